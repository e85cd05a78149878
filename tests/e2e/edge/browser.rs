//! Web pages that call the edge from a real browser: of an allowed origin, and of another one.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use auth::limits::USER_PER_MINUTE;
use protocol::role::Role;
use protocol::wire::pull::PullResponse;
use reqwest::Method;
use serde_json::{Value, json};
use tests::api::{Api, Reply};
use tokio::process::Command;
use tokio::time::timeout;

use crate::shop::{PASSWORD, Shop};
use crate::sync::broadcast::Listener;
use crate::till::Till;

pub(crate) mod pages;

trials! {
    shared:
    a_page_of_an_allowed_origin_syncs_and_listens,
    a_page_of_another_origin_fails,
    every_response_varies_by_the_origin_of_its_page,
    preflights_say_what_a_page_may_send,
    preflights_count_against_no_limit,
}

/// Longest time that a visit may take: a browser starts in seconds, or in many on a busy machine.
const VISIT_PATIENCE: Duration = Duration::from_secs(90);

/// Opens the page of `origin` in a browser and has it use the service as a cashier, with the token and a
/// ticket of `given` if it cannot sign in; returns what it saw.
async fn visit(shop: &Shop, origin: &str, given: &Till) -> Value {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let username = shop.user("page", Role::Cashier, Some("1")).await.username;
    let given = json!({ "token": given.api.token(), "ticket": ticket(given).await });
    let argument =
        json!({ "edge": shop.world.edge_url, "username": username, "password": PASSWORD, "given": given });
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

/// A till whose token is of no device, so that every socket and stream of the page may use it.
async fn any_device(shop: &Shop) -> Till {
    Till { api: shop.session("given", "1", None).await.0, device: "page-1".into() }
}

/// A ticket for a device of the till's user.
async fn ticket(till: &Till) -> Value {
    let reply = till.api.post("/api/sync/ws-ticket", json!({ "device_id": till.device }).to_string()).await;
    reply.unwrap().ok::<Value>().unwrap()["ticket"].take()
}

async fn a_page_of_an_allowed_origin_syncs_and_listens(shop: &'static Shop) {
    let seen = visit(shop, &shop.world.pages.allowed, &any_device(shop).await).await;
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
    let exposed = [
        ("pulled", "x-request-id tillsync-cost tillsync-cache etag server-timing traceparent"),
        ("refused", "x-request-id www-authenticate traceparent"),
        ("unchanged", "x-request-id etag"),
        ("wrongMethod", "x-request-id allow"),
        (
            "limited",
            "x-request-id retry-after ratelimit ratelimit-policy ratelimit-limit ratelimit-remaining ratelimit-reset",
        ),
    ];
    for (name, headers) in exposed {
        for header in headers.split(' ') {
            assert!(seen[name]["headers"][header].is_string(), "{header} cannot be read: {}", seen[name]);
        }
    }
    assert_eq!((status("wrongMethod"), status("limited")), (Some(405), Some(429)));
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
    let till = any_device(shop).await;
    let seen = visit(shop, &shop.world.pages.foreign, &till).await;
    for name in ["signIn", "pulled", "refused", "unchanged", "health", "issued", "wrongMethod", "limited"] {
        assert_eq!(seen[name], json!({ "failed": "TypeError" }), "{name}");
    }
    // The page has a token and a ticket that are good elsewhere.
    for name in ["heard", "badToken", "ticketed"] {
        let closed = (&seen[name]["code"], &seen[name]["reason"]);
        assert_eq!(closed, (&json!(4403), &json!("origin_forbidden")), "{name}");
        let received = seen[name]["received"].as_array().unwrap();
        assert!(received.iter().all(|frame| frame["type"] == "error"), "{name}: {received:?}");
    }
    for name in ["streamed", "continued"] {
        assert_eq!(seen[name], json!({ "failed": true, "pages": [] }), "{name}");
    }
    assert_eq!(till.pull_raw("since=0").await.ok::<PullResponse>().unwrap().changes, []);
    Listener::open(&till.api, &till.device).await.assert_no_frame().await;
}

async fn every_response_varies_by_the_origin_of_its_page(shop: &'static Shop) {
    let (till, pages) = (shop.till("till-1").await, &shop.world.pages);
    let tag = till.api.get("/api/sync/tables").await.unwrap().header("etag").unwrap().to_owned();
    let requests = [
        ("/api/sync/tables", till.api.clone(), 200),
        ("/api/sync/tables", till.api.with_token("x"), 401),
        ("/api/cache/stats", till.api.clone(), 403),
        ("/api/data/products/none", till.api.clone(), 404),
        ("/nowhere", till.api.unchecked(), 404),
        ("/healthz", shop.anonymous(), 200),
    ];
    for origin in [None, Some(&pages.allowed), Some(&pages.foreign)] {
        let ask = async |path: &str, api: &Api, tag: &str| {
            let request = api.request(Method::GET, path).header("if-none-match", tag);
            let request = origin.iter().fold(request, |request, origin| request.header("origin", *origin));
            api.send(request).await.unwrap()
        };
        let mut replies = vec![(304, ask("/api/sync/tables", &till.api, &tag).await)];
        for (path, api, status) in &requests {
            replies.push((*status, ask(path, api, "\"other\"").await));
        }
        for (status, reply) in replies {
            assert_eq!((reply.status.as_u16(), reply.header("vary")), (status, Some("origin")), "{origin:?}");
            let expected = origin.filter(|origin| **origin == pages.allowed).map(String::as_str);
            assert_eq!(reply.header("access-control-allow-origin"), expected, "{origin:?}: {status}");
            assert_eq!(reply.header("access-control-expose-headers").is_some(), expected.is_some());
            assert_eq!(reply.header("access-control-allow-credentials"), None);
        }
    }
}

async fn preflights_count_against_no_limit(shop: &'static Shop) {
    let (till, allowed) = (shop.till("till-1").await, &shop.world.pages.allowed);
    let api = till.api.unchecked();
    for _ in 0..USER_PER_MINUTE + 20 {
        let request = api.request(Method::OPTIONS, "/api/sessions").header("origin", allowed);
        let reply = api.send(request.header("access-control-request-method", "GET")).await.unwrap();
        assert_eq!((reply.status.as_u16(), reply.header("ratelimit-remaining")), (204, None));
    }
    let request = till.api.request(Method::GET, "/api/sessions").header("origin", allowed);
    let reply = till.api.send(request).await.unwrap();
    let left = (USER_PER_MINUTE - 1).to_string();
    assert_eq!((reply.status.as_u16(), reply.header("ratelimit-remaining")), (200, Some(&*left)));
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
    // It needs no token.
    assert_eq!(preflight("/api/sessions", allowed).await.status, 204);
    let foreign = preflight("/api/sync/batch-push", &shop.world.pages.foreign).await;
    assert_eq!((foreign.status.as_u16(), foreign.code().as_deref()), (403, Some("origin_forbidden")));
    assert_eq!(foreign.header("access-control-allow-origin"), None);
    assert_eq!(preflight("/nowhere", allowed).await.status, 404);
    // The edge's own pages need no configuration; a page without an origin of its own is foreign.
    assert_eq!(preflight("/api/sync/batch-push", &shop.world.edge_url).await.status, 204);
    assert_eq!(preflight("/api/sync/batch-push", "null").await.status, 403);
}
