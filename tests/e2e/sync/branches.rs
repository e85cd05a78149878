//! Branches exist when an administrator has created them.

use std::collections::BTreeSet;

use functions::accounts::users::{CreateUserError, NewUser};
use protocol::endpoints::spec::EndpointSpec;
use protocol::endpoints::{ENDPOINTS, Endpoint};
use protocol::role::Role;
use protocol::wire::pull::PullResponse;
use reqwest::Method;
use serde_json::{Value, json};
use tests::api::Api;

use crate::replies::assert_error;
use crate::shop::{PASSWORD, Shop, product};

trials! {
    shared:
    an_unknown_branch_is_404_at_every_endpoint_that_names_one,
    a_created_branch_can_be_used_at_once,
    a_user_of_an_unknown_branch_is_not_created,
    a_request_to_a_known_branch_looks_it_up_once,
}

/// A request to each endpoint that takes a branch: operation id, method, path and body, all of branch
/// `branch`.
fn calls(branch: &str) -> Vec<(&'static str, Method, String, Option<Value>)> {
    let at = |path: &str| format!("{path}?branch_id={branch}");
    let push = json!({ "device_id": "office", "branch_id": branch, "records": [product("p1", &json!({}))] });
    let resolve = json!({ "device_id": "office", "branch_id": branch, "table_name": "products", "record_id": "p1",
                          "resolution": "accept_server" });
    let batch_get = json!({ "records": [{ "table_name": "products", "record_id": "p1" }] });
    let warm = json!({ "table_name": "products", "branch_id": branch });
    let letter = "/api/sync/dead-letters/1765103400000145.0123456789abcdef.0.0";
    vec![
        ("pushBatch", Method::POST, "/api/sync/batch-push".into(), Some(push)),
        ("pullChanges", Method::GET, at("/api/sync/pull-changes"), None),
        ("streamEvents", Method::GET, format!("/api/sync/events?device_id=office&branch_id={branch}"), None),
        ("resolveConflict", Method::POST, "/api/sync/resolve-conflict".into(), Some(resolve)),
        ("getSyncStats", Method::GET, at("/api/sync/stats"), None),
        ("getDevice", Method::GET, at("/api/sync/devices/till-1"), None),
        ("listDeadLetters", Method::GET, at("/api/sync/dead-letters"), None),
        ("replayDeadLetter", Method::POST, at(&format!("{letter}/replay")), None),
        ("discardDeadLetter", Method::POST, at(&format!("{letter}/discard")), None),
        ("getRecord", Method::GET, at("/api/data/products/p1"), None),
        ("batchGetRecords", Method::POST, at("/api/data/batch-get"), Some(batch_get)),
        ("getCart", Method::GET, at("/api/carts/c1"), None),
        ("putCart", Method::PUT, at("/api/carts/c1"), Some(json!({ "data": {} }))),
        ("deleteCart", Method::DELETE, at("/api/carts/c1"), None),
        ("getPresence", Method::GET, at("/api/presence"), None),
        ("warmCache", Method::POST, "/api/cache/warm".into(), Some(warm)),
    ]
}

/// A socket is no request for a branch: it hears of one once it exists.
fn names_branch(spec: &EndpointSpec) -> bool {
    if spec.endpoint == Endpoint::OpenSocket {
        return false;
    }
    spec.of_branch || spec.parameters.iter().any(|parameter| parameter.name == "branch_id")
}

async fn an_unknown_branch_is_404_at_every_endpoint_that_names_one(shop: &'static Shop) {
    let of_branch: BTreeSet<&str> =
        ENDPOINTS.iter().filter(|spec| names_branch(spec)).map(|spec| spec.operation_id).collect();
    let calls = calls("mistyped");
    assert_eq!(calls.iter().map(|(id, ..)| *id).collect::<BTreeSet<_>>(), of_branch);
    let office = shop.head_office().await;
    for (_, method, path, body) in calls {
        let request = office.request(method, &path);
        let request = match body {
            Some(body) => request.header("content-type", "application/json").body(body.to_string()),
            None => request,
        };
        assert_error(&office.send(request).await.unwrap(), 404, "branch_not_found");
    }
    // None of the requests has made the branch.
    assert_eq!(pull(&office, "").await.branch_id, None);
    assert_error(&office.get("/api/sync/stats?branch_id=mistyped").await.unwrap(), 404, "branch_not_found");
}

async fn pull(office: &Api, query: &str) -> PullResponse {
    office.get(&format!("/api/sync/pull-changes?{query}")).await.unwrap().ok().unwrap()
}

async fn a_created_branch_can_be_used_at_once(shop: &'static Shop) {
    let office = shop.head_office().await;
    let body = json!({ "device_id": "office", "branch_id": "new", "records": [product("p1", &json!({}))] });
    let push = async || office.post("/api/sync/batch-push", body.to_string()).await.unwrap();
    assert_error(&push().await, 404, "branch_not_found");
    shop.branch("new").await;
    assert_eq!(push().await.status, 200);
    assert_eq!(pull(&office, "").await.branch_id.as_deref(), Some("new"));
}

async fn a_user_of_an_unknown_branch_is_not_created(shop: &'static Shop) {
    let create = async |role, branch: Option<&str>| {
        let new = NewUser {
            username: shop.username("anna"),
            password: PASSWORD.into(),
            role,
            client_id: shop.client.parse().unwrap(),
            branch_id: branch.map(|branch| branch.parse().unwrap()),
        };
        shop.world.accounts.create(&shop.world.branches, new).await
    };
    let refused = create(Role::Cashier, Some("mistyped")).await.unwrap_err();
    assert!(
        matches!(&refused, CreateUserError::NoBranch(room) if *room == shop.room("mistyped")),
        "{refused}"
    );
    let login = serde_json::to_string(&shop.login("anna")).unwrap();
    let reply = shop.anonymous().post("/api/auth/login", login).await.unwrap();
    assert_error(&reply, 401, "bad_credentials");
    shop.branch("1").await;
    create(Role::Cashier, Some("1")).await.unwrap();
}

async fn a_request_to_a_known_branch_looks_it_up_once(shop: &'static Shop) {
    let office = shop.head_office().await;
    shop.branch("9").await;
    let requests = async || office.get("/api/sync/dead-letters?branch_id=9").await.unwrap().cost().requests;
    // The list itself takes two: the dead letters and their count.
    assert_eq!([requests().await, requests().await], [3, 2]);
}
