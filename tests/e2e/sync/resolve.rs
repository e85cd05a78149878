//! `POST /api/sync/resolve-conflict`

use libtest_mimic::Trial;
use local::dynamo::faults::Fault;
use local::function_host::faults::HostFault;
use protocol::limits::RECORD_BYTES_MAX;
use protocol::role::Role;
use protocol::stamp::Stamp;
use protocol::wire::resolve::ResolveResponse;
use serde_json::{Value, json};
use tests::api::{Api, Reply};

use crate::shop::{Shop, Till, product, with};
use crate::sync::broadcast::Listener;

pub(crate) fn trials() -> Vec<Trial> {
    trials![
        the_servers_copy_is_returned_and_nothing_is_written,
        the_clients_copy_becomes_a_new_version_that_others_hear_and_pull,
        a_conflict_that_the_policy_leaves_to_people_is_settled,
        a_stale_version_gets_the_copy_of_now,
        a_batch_id_is_done_once_and_answered_again,
        an_answer_lost_after_the_commit_is_answered_again,
        a_deleted_record_comes_back_or_stays_deleted,
        what_the_policy_forbids_is_422_and_leaves_nothing,
        bad_requests_are_refused_with_a_sentence,
        another_tenant_finds_nothing,
        head_office_names_a_branch_and_nobody_else_may,
        races_are_run_again_and_end_in_busy,
        without_dynamodb_it_says_when_to_come_back,
    ]
}

const PATH: &str = "/api/sync/resolve-conflict";

/// A request to store `{"price": 2.50}` as `p1`, from `device`.
fn accept_client(device: &str) -> Value {
    json!({ "device_id": device, "table_name": "products", "record_id": "p1", "resolution": "accept_client",
        "client_data": { "price": 2.5 } })
}

fn accept_server(device: &str) -> Value {
    with(with(accept_client(device), "resolution", "accept_server"), "client_data", json!(null))
}

async fn send(api: &Api, body: &Value) -> Reply {
    api.post(PATH, body.to_string()).await.unwrap()
}

async fn resolved(api: &Api, body: &Value) -> ResolveResponse {
    send(api, body).await.ok().unwrap()
}

fn assert_refused(reply: &Reply, status: u16, code: &str) -> Value {
    assert_eq!((reply.status.as_u16(), reply.code().as_deref()), (status, Some(code)), "{}", reply.body);
    let error = serde_json::from_str::<Value>(&reply.body).unwrap()["error"].clone();
    let message = error["message"].as_str().unwrap();
    assert!(message.len() > 20 && message.ends_with('.'), "no sentence: {message}");
    assert_eq!(reply.headers.contains_key("retry-after"), status == 503);
    error
}

/// A record that two tills disagree about: the server has version 2.
async fn disputed(shop: &Shop) -> (Till, Till) {
    let (one, two) = (shop.till("till-1").await, shop.till("till-2").await);
    one.push(&[product("p1", &json!({"price": 1}))]).await;
    one.push(&[with(product("p1", &json!({"price": 2})), "base_version", 1)]).await;
    (one, two)
}

async fn the_servers_copy_is_returned_and_nothing_is_written(shop: &'static Shop) {
    let (_, two) = disputed(shop).await;
    let head = two.pull_all(Stamp::ZERO, 100).await.last().unwrap().stamp;
    let reply = send(&two.api, &accept_server("till-2")).await;
    let body: Value = serde_json::from_str(&reply.body).unwrap();
    let names = body.as_object().unwrap().keys().cloned().collect::<Vec<_>>().join(" ");
    assert_eq!(names, "cursor data prev record_id server_updated_at stamp success table_name version");
    assert_eq!(reply.headers["content-type"], "application/json");
    let answer: ResolveResponse = reply.ok().unwrap();
    assert_eq!((answer.version, answer.data.as_str()), (2, r#"{"price":2}"#));
    assert_eq!((answer.prev, answer.stamp), (head, head), "nothing was written");
    assert_eq!(reply.cost().requests, 1);
    assert_eq!(two.pull_all(head, 100).await.len(), 0);
}

async fn the_clients_copy_becomes_a_new_version_that_others_hear_and_pull(shop: &'static Shop) {
    let (one, two) = disputed(shop).await;
    let mut ear = Listener::open(&one.api, "till-1").await;
    // What was committed before is no longer on its way.
    crate::sync::stats::settled(&two.api).await;
    let mut own = Listener::open(&two.api, "till-2").await;
    let body = accept_client("till-2").to_string().replace("2.5", "2.50");
    let reply = two.api.post(PATH, body).await.unwrap();
    assert!(!reply.body.contains("publications"), "the commit is not for the client: {}", reply.body);
    let answer: ResolveResponse = reply.ok().unwrap();
    assert!(answer.success && !answer.is_deleted);
    assert_eq!((answer.version, answer.data.as_str()), (3, r#"{"price":2.50}"#), "numbers keep their text");
    let frame = ear.next_sync().await;
    assert_eq!((frame.prev, frame.stamp, frame.version), (answer.prev, answer.stamp, 3));
    own.hears_nothing_but_pong().await;
    let changes = one.pull_all(answer.prev, 100).await;
    assert_eq!((changes.len(), changes[0].version, changes[0].stamp), (1, 3, answer.stamp));
    assert_eq!((changes[0].device_id.as_str(), changes[0].data.as_str()), ("till-2", r#"{"price":2.50}"#));
    assert_eq!(answer.cursor, format!("v1.{}", answer.stamp.0));
    assert_eq!(answer.server_updated_at, changes[0].server_updated_at);
}

async fn a_conflict_that_the_policy_leaves_to_people_is_settled(shop: &'static Shop) {
    let manager = shop.user("manager", Role::Manager, Some("1")).await;
    let (manager, _) = shop.stranger().login(&manager).await.unwrap();
    let office = Till { api: manager, device: "office".into() };
    let promotion = |data: Value| with(product("x1", &data), "table_name", "promotions");
    office.push(&[promotion(json!({"off": 1}))]).await;
    office.push(&[with(promotion(json!({"off": 2})), "base_version", 1)]).await;
    let late = Till { api: office.api.clone(), device: "office-2".into() };
    let answer = late.push(&[with(promotion(json!({"off": 3})), "base_version", 1)]).await;
    assert_eq!((answer.conflicts.len(), answer.conflicts[0].reason.as_str()), (1, "manual"));
    let body = json!({ "device_id": "office-2", "table_name": "promotions", "record_id": "x1",
        "resolution": "accept_client", "client_data": answer.conflicts[0].local_data,
        "expected_version": answer.conflicts[0].server_version });
    assert_eq!(resolved(&late.api, &body).await.version, 3);
}

async fn a_stale_version_gets_the_copy_of_now(shop: &'static Shop) {
    let (_, two) = disputed(shop).await;
    for body in [accept_client("till-2"), accept_server("till-2")] {
        let reply = send(&two.api, &with(body.clone(), "expected_version", 1)).await;
        let details = &assert_refused(&reply, 409, "version_changed")["details"];
        assert_eq!((&details["version"], &details["data"]), (&json!(2), &json!({"price": 2})));
        assert_eq!((&details["record_id"], &details["is_deleted"]), (&json!("p1"), &json!(false)));
        assert_eq!(details["server_updated_at"].as_str().unwrap().len(), 27);
    }
    assert_eq!(two.pull_all(Stamp::ZERO, 100).await.len(), 2, "nothing was written");
    let answer = resolved(&two.api, &with(accept_client("till-2"), "expected_version", 2)).await;
    assert_eq!(answer.version, 3);
}

async fn a_batch_id_is_done_once_and_answered_again(shop: &'static Shop) {
    let (one, two) = disputed(shop).await;
    let body = with(with(accept_client("till-2"), "batch_id", "r1"), "expected_version", 2);
    let first = resolved(&two.api, &body).await;
    assert_eq!(resolved(&two.api, &body).await, first);
    // Moved on: what the record is now is told, and nothing is written over it.
    one.push(&[with(product("p1", &json!({"price": 9})), "base_version", 3)]).await;
    let later = resolved(&two.api, &body).await;
    assert_eq!((later.version, later.data.as_str()), (4, r#"{"price":9}"#));
    assert_eq!((later.prev, later.stamp), (first.prev, first.stamp));
    assert_eq!(two.pull_all(Stamp::ZERO, 100).await.len(), 4);
    let other = with(body.clone(), "client_data", json!({"price": 3}));
    assert_refused(&send(&two.api, &other).await, 409, "batch_id_reused");
    let push = two.batch(Some("r1"), &[product("p1", &json!({"price": 2.5}))]);
    assert_refused(&two.push_raw(&push).await, 409, "batch_id_reused");
}

async fn an_answer_lost_after_the_commit_is_answered_again(shop: &'static Shop) {
    let (_, two) = disputed(shop).await;
    let body = with(accept_client("till-2"), "batch_id", "r1");
    shop.world.host_faults.inject(&shop.client, HostFault::LostResponse, 1);
    assert_refused(&send(&two.api, &body).await, 503, "unavailable");
    let answer = resolved(&two.api, &body).await;
    assert_eq!(answer.version, 3);
    let changes = two.pull_all(Stamp::ZERO, 100).await;
    assert_eq!((changes.len(), changes[2].stamp), (3, answer.stamp));
}

async fn a_deleted_record_comes_back_or_stays_deleted(shop: &'static Shop) {
    let (one, two) = disputed(shop).await;
    let delete = with(product("p1", &json!(null)), "is_deleted", true);
    one.push(&[with(delete, "base_version", 2)]).await;
    let answer = resolved(&two.api, &accept_server("till-2")).await;
    assert_eq!((answer.version, answer.is_deleted, answer.data.as_str()), (3, true, r#"{"price":2}"#));
    let answer = resolved(&two.api, &accept_client("till-2")).await;
    assert_eq!((answer.version, answer.is_deleted), (4, false));
    let last = two.pull_all(Stamp::ZERO, 100).await.pop().unwrap();
    assert_eq!(serde_json::to_value(last.operation).unwrap(), "create");
}

async fn what_the_policy_forbids_is_422_and_leaves_nothing(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    let movement = with(product("p1", &json!({"price": 1})), "table_name", "cash_movements");
    till.push(&[movement]).await;
    let large = json!({ "x": "x".repeat(RECORD_BYTES_MAX) });
    let deep: Value = (0..70).fold(json!({}), |inner, _| json!({ "a": inner }));
    till.push(&[product("p1", &json!({"price": 1}))]).await;
    for (body, code) in [
        (with(accept_client("till-1"), "table_name", "cash_movements"), "append_only"),
        (with(accept_client("till-1"), "client_data", large), "record_too_large"),
        (with(accept_client("till-1"), "client_data", deep), "too_deep"),
    ] {
        let error = assert_refused(&send(&till.api, &body).await, 422, "record_rejected");
        assert_eq!(error["details"], json!({ "code": code }));
    }
    assert_eq!(till.pull_all(Stamp::ZERO, 100).await.len(), 2, "nothing was written");
    let manager = shop.user("manager", Role::Manager, Some("1")).await;
    let (manager, _) = shop.stranger().login(&manager).await.unwrap();
    let letters: Value = manager.get("/api/sync/dead-letters").await.unwrap().ok().unwrap();
    assert_eq!(letters["dead_letters"], json!([]));
}

async fn bad_requests_are_refused_with_a_sentence(shop: &'static Shop) {
    let (_, two) = disputed(shop).await;
    let body = |name: &str, value: Value| with(accept_client("till-2"), name, value);
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
        assert_refused(&send(&two.api, &body).await, status, code);
    }
    assert_refused(&two.api.post(PATH, "{").await.unwrap(), 400, "bad_json");
    assert_refused(&two.api.get(PATH).await.unwrap(), 405, "method_not_allowed");
    assert_refused(&send(&shop.stranger(), &accept_client("till-2")).await, 401, "token_missing");
    assert_eq!(two.pull_all(Stamp::ZERO, 100).await.len(), 2);
}

async fn another_tenant_finds_nothing(shop: &'static Shop) {
    disputed(shop).await;
    let next_branch = shop.till_of("till-3", "2").await;
    let other = Shop::new(shop.world);
    let stranger = other.till("till-1").await;
    for till in [&next_branch, &stranger] {
        for body in [accept_client(&till.device), accept_server(&till.device)] {
            assert_refused(&send(&till.api, &body).await, 404, "record_not_found");
        }
    }
    other.close().await;
}

async fn head_office_names_a_branch_and_nobody_else_may(shop: &'static Shop) {
    let (one, _) = disputed(shop).await;
    let mut ear = Listener::open(&one.api, "till-1").await;
    let boss = shop.user("boss", Role::SuperAdmin, None).await;
    let (boss, _) = shop.stranger().login(&boss).await.unwrap();
    let body = accept_client("office");
    assert_refused(&send(&boss, &body).await, 403, "branch_required");
    assert_refused(&send(&boss, &with(body.clone(), "branch_id", "a:b")).await, 400, "bad_request");
    let branch = with(body, "branch_id", "1");
    assert_refused(
        &send(&one.api, &with(branch.clone(), "device_id", "till-1")).await,
        403,
        "branch_forbidden",
    );
    let answer = resolved(&boss, &branch).await;
    // The room is told though head office has no room of its own.
    assert_eq!((answer.version, ear.next_sync().await.stamp), (3, answer.stamp));
    let other = Shop::new(shop.world);
    let stranger = other.user("boss", Role::SuperAdmin, None).await;
    let (stranger, _) = other.stranger().login(&stranger).await.unwrap();
    assert_refused(&send(&stranger, &branch).await, 404, "record_not_found");
}

async fn races_are_run_again_and_end_in_busy(shop: &'static Shop) {
    let (_, two) = disputed(shop).await;
    let scope = format!("ROOM#{}#", shop.client);
    let faults = shop.world.dynamo_faults.clone();
    faults.inject(&scope, "TransactWriteItems", Fault::TransactionConflict, 1000);
    assert_refused(&send(&two.api, &accept_client("till-2")).await, 503, "busy");
    faults.clear(&scope);
    faults.inject(&scope, "TransactWriteItems", Fault::TransactionConflict, 3);
    assert_eq!(resolved(&two.api, &accept_client("till-2")).await.version, 3);
}

async fn without_dynamodb_it_says_when_to_come_back(shop: &'static Shop) {
    let (_, two) = disputed(shop).await;
    let body = with(accept_client("till-2"), "batch_id", "r1");
    let scope = format!("ROOM#{}#", shop.client);
    let faults = shop.world.dynamo_faults.clone();
    for (action, fault) in [
        ("BatchGetItem", Fault::Refused),
        ("TransactWriteItems", Fault::Throttled),
        ("TransactWriteItems", Fault::LostResponse),
    ] {
        faults.inject(&scope, action, fault, 1000);
        let reply = send(&two.api, &body).await;
        faults.clear(&scope);
        assert_refused(&reply, 503, "unavailable");
    }
    assert_eq!(resolved(&two.api, &body).await.version, 3);
    assert_eq!(two.pull_all(Stamp::ZERO, 100).await.len(), 3);
}
