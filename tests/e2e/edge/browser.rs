//! Web pages that call the edge from a real browser: of an allowed origin, and of another one.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use protocol::role::Role;
use reqwest::Method;
use serde_json::{Value, json};
use tests::api::Reply;
use tokio::process::Command;
use tokio::time::timeout;

use crate::shop::{PASSWORD, Shop};

pub(crate) mod pages;

trials! {
    shared:
    a_page_of_an_allowed_origin_syncs_and_listens,
    a_page_of_another_origin_fails,
    preflights_say_what_a_page_may_send,
}

/// Longest time that a visit may take: a browser starts in seconds, or in many on a busy machine.
const VISIT_PATIENCE: Duration = Duration::from_secs(90);

/// Opens the page of `origin` in a browser and has it use the service as a cashier; returns what it saw.
async fn visit(shop: &Shop, origin: &str) -> Value {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let username = shop.user("page", Role::Cashier, Some("1")).await.username;
    let argument = json!({ "edge": shop.world.edge_url, "username": username, "password": PASSWORD });
    let modules = root.join("node_modules");
    let mut driver = Command::new(modules.join(".bin/node"));
    driver.arg(root.join("tests/e2e/edge/browser/visit.mjs"));
    driver.arg(modules.join("playwright-core")).arg(format!("{origin}/")).arg(argument.to_string());
    driver.stdin(Stdio::null()).kill_on_drop(true);
    let output = timeout(VISIT_PATIENCE, driver.output()).await.expect("the visit ends in time").unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    serde_json::from_slice(&output.stdout).unwrap()
}

async fn a_page_of_an_allowed_origin_syncs_and_listens(shop: &'static Shop) {
    let seen = visit(shop, &shop.world.pages.allowed).await;
    let status = |name: &str| seen[name]["status"].as_u64();
    assert_eq!(status("signIn"), Some(200), "{seen}");
    assert_eq!(seen["pushed"]["body"]["synced_count"], 1, "{seen}");
    let heard = &seen["heard"];
    let received = |i: usize, member: &str| heard["received"][i][member].as_str();
    assert_eq!([received(0, "type"), received(1, "type")], [Some("connected"), Some("pong")]);
    assert_eq!(received(2, "record_id"), Some("tea"));
    // The server answers the page's close.
    assert_eq!((&heard["code"], &heard["wasClean"]), (&json!(1000), &json!(true)));
    let pulled = &seen["pulled"];
    assert_eq!(pulled["body"]["changes"][0]["record_id"], "tea", "{seen}");
    for header in ["x-request-id", "tillsync-cost"] {
        assert!(pulled["headers"][header].is_string(), "{header} cannot be read: {pulled}");
    }
    // Errors can be read as well.
    assert_eq!(seen["refused"]["body"]["error"]["code"], "token_invalid");
    assert_eq!((status("unchanged"), status("health")), (Some(304), Some(200)));
    let closed = |name: &str| (seen[name]["code"].clone(), seen[name]["reason"].clone());
    assert_eq!(closed("badToken"), (json!(4401), json!("token_invalid")));
    // The browser's own client of events, which continues where it was.
    let ids = |name: &str| -> Vec<String> {
        let pages = seen[name]["pages"].as_array().unwrap().iter();
        let changes = pages.flat_map(|page| page["changes"].as_array().unwrap());
        changes.map(|change| change["record_id"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!((ids("streamed"), ids("continued")), (vec!["tea".into()], vec!["coffee".into()]), "{seen}");
    // A ticket of this page, without the token in a URL.
    assert_eq!(seen["ticketed"]["received"][0]["type"], "connected", "{seen}");
    assert_eq!(seen["ticketed"]["code"], 1000);
    assert_eq!(closed("usedTicket"), (json!(4401), json!("ticket_invalid")));
}

async fn a_page_of_another_origin_fails(shop: &'static Shop) {
    let seen = visit(shop, &shop.world.pages.foreign).await;
    for name in ["signIn", "pulled", "refused", "unchanged", "health", "issued"] {
        assert_eq!(seen[name], json!({ "failed": "TypeError" }), "{name}");
    }
    assert_eq!(
        (&seen["heard"]["code"], &seen["heard"]["reason"]),
        (&json!(4403), &json!("origin_forbidden"))
    );
    assert_eq!((&seen["badToken"]["code"], &seen["ticketed"]["code"]), (&json!(4403), &json!(4403)));
    for name in ["streamed", "continued"] {
        assert_eq!(seen[name], json!({ "failed": true, "pages": [] }), "{name}");
    }
}

async fn preflights_say_what_a_page_may_send(shop: &'static Shop) {
    let api = shop.anonymous().unchecked();
    let preflight = async |path: &str, origin: &str| -> Reply {
        let request = api.request(Method::OPTIONS, path).header("origin", origin);
        api.send(request.header("access-control-request-method", "POST")).await.unwrap()
    };
    let allowed = &shop.world.pages.allowed;
    let reply = preflight("/api/sync/batch-push", allowed).await;
    assert_eq!(reply.status, 204);
    for (name, value) in [
        ("access-control-allow-origin", allowed.as_str()),
        ("access-control-allow-methods", "POST"),
        ("access-control-max-age", "7200"),
        ("vary", "origin"),
    ] {
        assert_eq!(reply.header(name), Some(value), "{name}");
    }
    assert!(reply.header("access-control-allow-headers").unwrap().contains("authorization"));
    assert_eq!(reply.header("access-control-allow-credentials"), None);
    // It needs no token, and counts against no limit.
    assert_eq!(preflight("/api/sessions", allowed).await.header("ratelimit"), None);
    let foreign = preflight("/api/sync/batch-push", &shop.world.pages.foreign).await;
    assert_eq!((foreign.status.as_u16(), foreign.code().as_deref()), (403, Some("origin_forbidden")));
    assert_eq!(foreign.header("access-control-allow-origin"), None);
    assert_eq!(preflight("/nowhere", allowed).await.status, 404);
    // The edge's own pages need no configuration; a page without an origin of its own is foreign.
    assert_eq!(preflight("/api/sync/batch-push", &shop.world.edge_url).await.status, 204);
    assert_eq!(preflight("/api/sync/batch-push", "null").await.status, 403);
}
