//! Each kind of response has its line, and a function's line where a function has answered.

use std::collections::BTreeMap;

use auth::limits::USER_PER_MINUTE;
use local::function_host::faults::HostFault;
use local::telemetry::Label;
use protocol::ids::ClientId;
use protocol::telemetry::EdgeLine;
use reqwest::Method;
use serde_json::json;
use tests::api::{Api, Reply};
use tests::wait::poll;

use super::{Seen, counted, tally};
use crate::carts;
use crate::shop::{Shop, product};
use crate::till::Till;
use crate::world::PATIENCE;

trials! {
    shared:
    every_status_has_a_line_and_is_counted,
    a_request_of_no_client_has_a_line,
}

/// A request: its route, the status that its client saw, and the one that its function gave, if one was
/// called.
type Case = (&'static str, u16, Option<u16>, Reply);

async fn get(api: &Api, path: &str) -> Reply {
    api.get(path).await.unwrap()
}

async fn unchanged(api: &Api, path: &str) -> Reply {
    api.send(api.request(Method::GET, path).header("if-none-match", "*")).await.unwrap()
}

async fn cases(shop: &Shop, till: &Till) -> Vec<Case> {
    let (api, record) = (&till.api, product("p1", &json!({})));
    let mut cases = vec![
        ("pushBatch", 200, Some(200), till.push_raw(&till.batch(None, std::slice::from_ref(&record))).await),
        ("pushBatch", 413, Some(413), till.push_raw(&till.batch(None, &vec![record; 51])).await),
        ("pullChanges", 400, Some(400), till.pull_raw("since=never").await),
        ("getSyncStats", 200, Some(200), get(api, "/api/sync/stats").await),
        ("getSyncStats", 304, Some(200), unchanged(api, "/api/sync/stats").await),
        ("getSyncStats", 403, Some(403), get(api, "/api/sync/stats?branch_id=9").await),
        ("listTables", 304, Some(200), unchanged(api, "/api/sync/tables").await),
        ("getRecord", 404, Some(404), get(api, "/api/data/products/none").await),
        ("listBranches", 200, Some(200), get(api, "/api/branches").await),
        ("listSessions", 200, Some(200), get(api, "/api/sessions").await),
        ("putCart", 200, Some(200), carts::put(api, "c1", &json!({ "data": {} })).await),
        ("getCart", 304, Some(200), unchanged(api, "/api/carts/c1").await),
        ("deleteCart", 204, Some(204), carts::delete(api, "c1").await),
        ("listDeadLetters", 403, Some(403), get(api, "/api/sync/dead-letters").await),
        // This is the edge's own.
        ("getPresence", 403, None, get(api, "/api/presence").await),
    ];
    shop.world.host_faults.inject(&shop.client, HostFault::Status(502), 1);
    cases.push(("getSyncStats", 503, None, get(api, "/api/sync/stats").await));
    for _ in 0..10 * USER_PER_MINUTE {
        let reply = get(api, "/api/auth/me").await;
        let is_refused = reply.status == 429;
        let expected = if is_refused { (429, None) } else { (200, Some(200)) };
        cases.push(("getCurrentUser", expected.0, expected.1, reply));
        if is_refused {
            break;
        }
    }
    cases
}

async fn every_status_has_a_line_and_is_counted(shop: &'static Shop) {
    let (till, client) = (shop.till("till-1").await, shop.client.parse::<ClientId>().unwrap());
    let (cases, seen) = (cases(shop, &till).await, Seen::default());
    assert!(cases.iter().any(|case| case.1 == 429));
    for (route, status, _, reply) in &cases {
        assert_eq!(reply.status.as_u16(), *status, "{route}: {}", reply.body);
        seen.add(&shop.client, route, reply);
    }
    let (counted, seen) = (counted(shop, cases.len()).await, seen.all());
    let of_client = counted.edge.iter().filter(|(label, _)| label.client.as_ref() == Some(&client));
    let of_client: BTreeMap<&Label, u64> = of_client.map(|(label, count)| (label, *count)).collect();
    assert_eq!(of_client, tally(seen.values().map(|(label, _)| label)));
    for (route, status, by_function, reply) in &cases {
        let id = reply.header("x-request-id").unwrap();
        let line = counted.edge_lines.iter().find(|line| line.request_id == id).unwrap();
        assert_eq!((line.route.as_str(), line.status), (*route, *status), "{line:?}");
        let mut lines = counted.function_lines.iter().filter(|line| line.request_id == id);
        let told = lines.next().map(|line| (line.route.as_str(), line.status.clone()));
        assert_eq!(told, by_function.map(|status| (*route, status.to_string())), "{line:?}");
        assert!(lines.next().is_none(), "a function has two lines for {line:?}");
    }
}

async fn a_request_of_no_client_has_a_line(shop: &'static Shop) {
    let (api, stranger) = (shop.anonymous().unchecked(), shop.anonymous().with_token("x"));
    let member = shop.till("till-1").await.api;
    let head = api.request(Method::HEAD, "/api/sync/stats");
    let cases = [
        ("none", 404, get(&api, "/api/nothing?token=secret").await),
        ("none", 404, api.post("/", "{}").await.unwrap()),
        ("none", 405, api.post("/api/sync/stats", "{}").await.unwrap()),
        ("none", 405, api.send(head).await.unwrap()),
        ("pullChanges", 401, get(&stranger, "/api/sync/pull-changes").await),
        // Its token is not looked at.
        ("openSocket", 426, get(&member, "/ws").await),
        ("logIn", 401, api.post("/api/auth/login", r#"{"username":"a","password":"b"}"#).await.unwrap()),
        ("getHealth", 200, get(&api, "/healthz").await),
        ("getReadiness", 200, get(&api, "/readyz").await),
        ("getOpenApiDocument", 304, unchanged(&api, "/api/openapi.json").await),
        ("publishChanges", 401, api.post("/internal/publish", "{}").await.unwrap()),
    ];
    for (route, status, reply) in cases {
        let id = reply.header("x-request-id").unwrap();
        let find = async || -> Option<EdgeLine> {
            let counted = shop.world.telemetry.counted();
            counted.edge_lines.into_iter().find(|line| line.request_id == id)
        };
        let line = poll(PATIENCE, find, Option::is_some).await.unwrap().unwrap();
        assert_eq!((line.route.as_str(), line.status, line.client), (route, status, None), "{}", reply.body);
        assert_eq!(reply.status.as_u16(), status, "{route}: {}", reply.body);
    }
}
