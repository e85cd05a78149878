//! `/api/openapi.json`: the document that the replies of all other tests are checked against.

use std::path::Path;

use reqwest::Method;
use tests::fleet;
use tests::openapi::check::Checker;
use tokio::process::Command;

use crate::shop::Shop;

const PATH: &str = "/api/openapi.json";

trials! {
    shared:
    the_document_is_public_and_cacheable,
    an_undescribed_reply_fails_the_call,
    a_generator_makes_types_that_a_client_compiles_with,
}

async fn the_document_is_public_and_cacheable(shop: &'static Shop) {
    let api = shop.anonymous();
    let reply = api.get(PATH).await.unwrap();
    assert_eq!((reply.status.as_u16(), reply.header("content-type")), (200, Some("application/json")));
    assert_eq!(reply.body, tests::openapi::text().unwrap());
    assert_eq!(reply.header("cache-control"), Some("public, max-age=3600"));
    let etag = reply.header("etag").unwrap();
    for (known, status) in [(etag.to_owned(), 304), (format!("\"x\", W/{etag}"), 304), ("\"x\"".into(), 200)]
    {
        let request = api.request(Method::GET, PATH).header("if-none-match", known);
        let again = api.send(request).await.unwrap();
        assert_eq!((again.status.as_u16(), again.header("etag")), (status, Some(etag)));
    }
    let elsewhere = api.get("/healthz").await.unwrap();
    assert_eq!(elsewhere.header("cache-control"), Some("no-store"));
}

async fn an_undescribed_reply_fails_the_call(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    let reply = till.api.get("/api/auth/me").await.unwrap();
    let checker = Checker::new().unwrap();
    assert!(checker.check("GET", "/api/auth/me", &reply).is_ok());
    // The reply does not fit another operation.
    assert!(checker.check("GET", "/api/sync/pull-changes", &reply).is_err());
}

/// A client in TypeScript.
const CLIENT: &str = include_str!("openapi/client.ts");

/// Runs a program of our npm packages in `folder`. Fails with what it printed.
async fn run(folder: &Path, program: &str, arguments: &[&str]) {
    let modules = Path::new(env!("CARGO_MANIFEST_DIR")).join("../node_modules");
    let mut command = Command::new(modules.join(".bin/node"));
    command.arg(modules.join(program)).args(arguments).current_dir(folder).kill_on_drop(true);
    let output = command.output().await.unwrap();
    let said =
        [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned()).concat();
    assert!(output.status.success(), "{program}: {said}");
}

async fn a_generator_makes_types_that_a_client_compiles_with(shop: &'static Shop) {
    let document = shop.anonymous().get(PATH).await.unwrap().body;
    let folder = std::env::temp_dir().join(format!("tillsync-types-{}", fleet::batch_id()));
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join("openapi.json"), document).unwrap();
    std::fs::write(folder.join("client.ts"), CLIENT).unwrap();
    run(&folder, "openapi-typescript/bin/cli.js", &["openapi.json", "--output", "types.ts"]).await;
    let strict = ["--strict", "--noUncheckedIndexedAccess", "--exactOptionalPropertyTypes", "--noEmit"];
    let target = ["--target", "es2022", "--module", "esnext", "--moduleResolution", "bundler", "client.ts"];
    run(&folder, "typescript/bin/tsc", &[&strict[..], &target].concat()).await;
    std::fs::remove_dir_all(&folder).unwrap();
}
