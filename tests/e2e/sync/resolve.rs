//! `POST /api/sync/resolve-conflict`

use local::dynamo::faults::Fault;
use local::function_host::faults::HostFault;
use protocol::limits::RECORD_BYTES_MAX;
use protocol::role::Role;
use protocol::stamp::Stamp;
use protocol::wire::resolve::ResolveResponse;
use serde_json::{Value, json};
use tests::api::{Api, Reply};

use crate::replies::{assert_error, assert_members, json as json_body};
use crate::shop::{Shop, cursor_of, deletion, product, record, with};
use crate::sync::broadcast::Listener;
use crate::till::Till;

trials! {
    shared:
    accept_server_returns_the_stored_copy_and_writes_nothing,
    accept_client_writes_a_new_version_that_others_receive,
    a_manual_conflict_is_resolved,
    a_stale_expected_version_gets_the_current_copy,
    a_batch_id_is_applied_once_and_gets_a_response_again,
    a_retry_after_a_lost_response_is_applied_once,
    a_deleted_record_is_restored_or_stays_deleted,
    a_rejected_resolution_answers_422_and_stores_nothing,
    bad_requests_are_refused,
    other_tenants_and_branches_get_404,
    only_head_office_names_another_branch,
    transaction_conflicts_are_retried_and_end_in_busy,
    resolve_answers_503_without_dynamodb,
}

const PATH: &str = "/api/sync/resolve-conflict";

/// A request to store `data` as the product `p1`, from `device`.
pub(crate) fn accept_client(device: &str, data: &Value) -> Value {
    json!({ "device_id": device, "table_name": "products", "record_id": "p1", "resolution": "accept_client",
        "client_data": data })
}

/// The data that most of these tests store.
fn price() -> Value {
    json!({ "price": 2.5 })
}

fn accept_server(device: &str) -> Value {
    with(with(accept_client(device, &price()), "resolution", "accept_server"), "client_data", json!(null))
}

pub(crate) async fn send(api: &Api, body: &Value) -> Reply {
    api.post(PATH, body.to_string()).await.unwrap()
}

async fn resolved(api: &Api, body: &Value) -> ResolveResponse {
    send(api, body).await.ok().unwrap()
}

/// Two tills and a product of which the server has version 2.
async fn conflicting(shop: &Shop) -> (Till, Till) {
    let (one, two) = (shop.till("till-1").await, shop.till("till-2").await);
    one.push(&[product("p1", &json!({"price": 1}))]).await;
    one.push(&[with(product("p1", &json!({"price": 2})), "base_version", 1)]).await;
    (one, two)
}

async fn accept_server_returns_the_stored_copy_and_writes_nothing(shop: &'static Shop) {
    let (_, two) = conflicting(shop).await;
    let head = two.pull_all(Stamp::ZERO, 100).await.last().unwrap().stamp;
    let reply = send(&two.api, &accept_server("till-2")).await;
    assert_members(
        &json_body(&reply),
        "cursor data history prev record record_id server_updated_at stamp success table_name version",
    );
    assert_eq!(reply.headers["content-type"], "application/json");
    let response: ResolveResponse = reply.ok().unwrap();
    assert_eq!((response.version, response.data.as_str()), (2, r#"{"price":2}"#));
    assert_eq!((response.prev, response.stamp), (head, head), "nothing was written");
    assert_eq!(reply.cost().requests, 1);
    assert_eq!(two.pull_all(head, 100).await.len(), 0);
}

async fn accept_client_writes_a_new_version_that_others_receive(shop: &'static Shop) {
    let (one, two) = conflicting(shop).await;
    let mut listener = Listener::open(&one.api, "till-1").await;
    // The earlier commits must not reach the second listener.
    crate::sync::stats::wait_until_delivered(&two.api).await;
    let mut own = Listener::open(&two.api, "till-2").await;
    let body = accept_client("till-2", &price()).to_string().replace("2.5", "2.50");
    let reply = two.api.post(PATH, body).await.unwrap();
    assert!(!reply.body.contains("publications"), "the publications reach the client: {}", reply.body);
    let response: ResolveResponse = reply.ok().unwrap();
    assert!(response.success && !response.is_deleted);
    let stored = (response.version, response.data.as_str());
    assert_eq!(stored, (3, r#"{"price":2.50}"#), "numbers keep their text");
    let frame = listener.next_sync().await;
    assert_eq!((frame.prev, frame.stamp, frame.version), (response.prev, response.stamp, 3));
    own.assert_no_frame().await;
    let changes = one.pull_all(response.prev, 100).await;
    assert_eq!((changes.len(), changes[0].version, changes[0].stamp), (1, 3, response.stamp));
    assert_eq!((changes[0].device_id.as_str(), changes[0].data.as_str()), ("till-2", r#"{"price":2.50}"#));
    assert_eq!(response.cursor, cursor_of(Role::Cashier, response.stamp));
    assert_eq!(response.server_updated_at, changes[0].server_updated_at);
}

async fn a_manual_conflict_is_resolved(shop: &'static Shop) {
    let office = shop.office().await;
    let promotion = |data: Value| record("promotions", "x1", &data);
    office.push(&[promotion(json!({"off": 1}))]).await;
    office.push(&[with(promotion(json!({"off": 2})), "base_version", 1)]).await;
    let late = Till { api: office.api.clone(), device: "office-2".into() };
    let response = late.push(&[with(promotion(json!({"off": 3})), "base_version", 1)]).await;
    assert_eq!((response.conflicts.len(), response.conflicts[0].reason.as_str()), (1, "manual"));
    let body = json!({ "device_id": "office-2", "table_name": "promotions", "record_id": "x1",
        "resolution": "accept_client", "client_data": response.conflicts[0].local_data,
        "expected_version": response.conflicts[0].server_version });
    assert_eq!(resolved(&late.api, &body).await.version, 3);
}

async fn a_stale_expected_version_gets_the_current_copy(shop: &'static Shop) {
    let (_, two) = conflicting(shop).await;
    for body in [accept_client("till-2", &price()), accept_server("till-2")] {
        let reply = send(&two.api, &with(body.clone(), "expected_version", 1)).await;
        let details = &assert_error(&reply, 409, "version_changed")["details"];
        assert_eq!((&details["version"], &details["data"]), (&json!(2), &json!({"price": 2})));
        assert_eq!((&details["record_id"], &details["is_deleted"]), (&json!("p1"), &json!(false)));
        assert_eq!(details["server_updated_at"].as_str().unwrap().len(), 27);
    }
    assert_eq!(two.pull_all(Stamp::ZERO, 100).await.len(), 2, "nothing was written");
    let response = resolved(&two.api, &with(accept_client("till-2", &price()), "expected_version", 2)).await;
    assert_eq!(response.version, 3);
}

async fn a_batch_id_is_applied_once_and_gets_a_response_again(shop: &'static Shop) {
    let (one, two) = conflicting(shop).await;
    let body = with(with(accept_client("till-2", &price()), "batch_id", "r1"), "expected_version", 2);
    let first = resolved(&two.api, &body).await;
    assert_eq!(resolved(&two.api, &body).await, first);
    // Once the record has changed again, a retry returns its current state and writes nothing.
    one.push(&[with(product("p1", &json!({"price": 9})), "base_version", 3)]).await;
    let later = resolved(&two.api, &body).await;
    assert_eq!((later.version, later.data.as_str()), (4, r#"{"price":9}"#));
    assert_eq!((later.prev, later.stamp), (first.prev, first.stamp));
    assert_eq!(two.pull_all(Stamp::ZERO, 100).await.len(), 4);
    let other = with(body.clone(), "client_data", json!({"price": 3}));
    assert_error(&send(&two.api, &other).await, 409, "batch_id_reused");
    let push = two.batch(Some("r1"), &[product("p1", &json!({"price": 2.5}))]);
    assert_error(&two.push_raw(&push).await, 409, "batch_id_reused");
}

async fn a_retry_after_a_lost_response_is_applied_once(shop: &'static Shop) {
    let (_, two) = conflicting(shop).await;
    let body = with(accept_client("till-2", &price()), "batch_id", "r1");
    shop.world.host_faults.inject(&shop.client, HostFault::LostResponse, 1);
    assert_error(&send(&two.api, &body).await, 503, "unavailable");
    let response = resolved(&two.api, &body).await;
    assert_eq!(response.version, 3);
    let changes = two.pull_all(Stamp::ZERO, 100).await;
    assert_eq!((changes.len(), changes[2].stamp), (3, response.stamp));
}

async fn a_deleted_record_is_restored_or_stays_deleted(shop: &'static Shop) {
    let (one, two) = conflicting(shop).await;
    one.push(&[deletion("p1", 2)]).await;
    let response = resolved(&two.api, &accept_server("till-2")).await;
    assert_eq!((response.version, response.is_deleted, response.data.as_str()), (3, true, r#"{"price":2}"#));
    let response = resolved(&two.api, &accept_client("till-2", &price())).await;
    assert_eq!((response.version, response.is_deleted), (4, false));
    let last = two.pull_all(Stamp::ZERO, 100).await.pop().unwrap();
    assert_eq!(serde_json::to_value(last.operation).unwrap(), "create");
}

async fn a_rejected_resolution_answers_422_and_stores_nothing(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    till.push(&[record("cash_movements", "p1", &json!({"price": 1}))]).await;
    let large = json!({ "x": "x".repeat(RECORD_BYTES_MAX) });
    let deep: Value = (0..70).fold(json!({}), |inner, _| json!({ "a": inner }));
    till.push(&[product("p1", &json!({"price": 1}))]).await;
    for (body, code) in [
        (with(accept_client("till-1", &price()), "table_name", "cash_movements"), "append_only"),
        (with(accept_client("till-1", &price()), "client_data", large), "record_too_large"),
        (with(accept_client("till-1", &price()), "client_data", deep), "too_deep"),
    ] {
        let error = assert_error(&send(&till.api, &body).await, 422, "record_rejected");
        assert_eq!(error["details"], json!({ "code": code }));
    }
    assert_eq!(till.pull_all(Stamp::ZERO, 100).await.len(), 2, "nothing was written");
    let list: Value = shop.manager().await.get("/api/sync/dead-letters").await.unwrap().ok().unwrap();
    assert_eq!(list["dead_letters"], json!([]));
}

async fn bad_requests_are_refused(shop: &'static Shop) {
    let (_, two) = conflicting(shop).await;
    let body = |name: &str, value: Value| with(accept_client("till-2", &price()), name, value);
    for (body, status, code) in [
        (json!([]), 400, "bad_request"),
        (json!({}), 400, "bad_request"),
        (body("device_id", json!("")), 400, "bad_request"),
        (body("device_id", json!("till-9")), 403, "device_mismatch"),
        (body("batch_id", json!("x".repeat(129))), 400, "bad_request"),
        (body("table_name", json!("nonsense")), 400, "unknown_table"),
        (body("table_name", json!("settings")), 403, "table_forbidden"),
        (body("table_name", json!("employee_advances")), 403, "table_forbidden"),
        (body("record_id", json!("a\u{0}b")), 400, "bad_request"),
        (body("record_id", json!("p404")), 404, "record_not_found"),
        (body("resolution", json!("accept_both")), 400, "bad_request"),
        (body("client_data", json!(null)), 400, "bad_request"),
        (body("client_data", json!("text")), 400, "bad_request"),
        (body("expected_version", json!("2")), 400, "bad_request"),
        (with(accept_server("till-2"), "table_name", "employee_advances"), 403, "table_forbidden"),
        (with(accept_server("till-2"), "record_id", "p404"), 404, "record_not_found"),
    ] {
        assert_error(&send(&two.api, &body).await, status, code);
    }
    assert_error(&two.api.post(PATH, "{").await.unwrap(), 400, "bad_json");
    assert_error(&two.api.get(PATH).await.unwrap(), 405, "method_not_allowed");
    assert_error(&send(&shop.anonymous(), &accept_client("till-2", &price())).await, 401, "token_missing");
    assert_eq!(two.pull_all(Stamp::ZERO, 100).await.len(), 2);
}

async fn other_tenants_and_branches_get_404(shop: &'static Shop) {
    conflicting(shop).await;
    let next_branch = shop.till_of("till-3", "2").await;
    let other = shop.other_tenant();
    let other_till = other.till("till-1").await;
    for till in [&next_branch, &other_till] {
        for body in [accept_client(&till.device, &price()), accept_server(&till.device)] {
            assert_error(&send(&till.api, &body).await, 404, "record_not_found");
        }
    }
    other.close().await;
}

async fn only_head_office_names_another_branch(shop: &'static Shop) {
    let (one, _) = conflicting(shop).await;
    let mut listener = Listener::open(&one.api, "till-1").await;
    let head_office = shop.head_office().await;
    let body = accept_client("office", &price());
    assert_error(&send(&head_office, &body).await, 403, "branch_required");
    assert_error(&send(&head_office, &with(body.clone(), "branch_id", "a:b")).await, 400, "bad_request");
    let branch = with(body, "branch_id", "1");
    let elsewhere = with(with(branch.clone(), "device_id", "till-1"), "branch_id", "2");
    assert_error(&send(&one.api, &elsewhere).await, 403, "branch_forbidden");
    let unchanged = with(with(accept_server("till-1"), "branch_id", "1"), "expected_version", 2);
    assert_eq!(resolved(&one.api, &unchanged).await.version, 2);
    let response = resolved(&head_office, &branch).await;
    // The branch's sockets receive the change, although head office belongs to no branch.
    assert_eq!((response.version, listener.next_sync().await.stamp), (3, response.stamp));
    let other_tenant = shop.other_tenant();
    let other = other_tenant.head_office().await;
    assert_error(&send(&other, &branch).await, 404, "branch_not_found");
    other_tenant.branch("1").await;
    assert_error(&send(&other, &branch).await, 404, "record_not_found");
}

async fn transaction_conflicts_are_retried_and_end_in_busy(shop: &'static Shop) {
    let (_, two) = conflicting(shop).await;
    let body = accept_client("till-2", &price());
    let conflict = Fault::TransactionConflict;
    let reply = shop.with_dynamo_fault("TransactWriteItems", conflict, send(&two.api, &body)).await;
    assert_error(&reply, 503, "busy");
    shop.inject_dynamo_fault("TransactWriteItems", conflict, 3);
    assert_eq!(resolved(&two.api, &accept_client("till-2", &price())).await.version, 3);
}

async fn resolve_answers_503_without_dynamodb(shop: &'static Shop) {
    let (_, two) = conflicting(shop).await;
    let body = with(accept_client("till-2", &price()), "batch_id", "r1");
    for (action, fault) in [
        ("BatchGetItem", Fault::Refused),
        ("TransactWriteItems", Fault::Throttled),
        ("TransactWriteItems", Fault::LostResponse),
    ] {
        let reply = shop.with_dynamo_fault(action, fault, send(&two.api, &body)).await;
        assert_error(&reply, 503, "unavailable");
    }
    assert_eq!(resolved(&two.api, &body).await.version, 3);
    assert_eq!(two.pull_all(Stamp::ZERO, 100).await.len(), 3);
}
