//! `POST /api/sync/batch-push`

use protocol::stamp::Stamp;
use protocol::wire::push::PushResponse;
use serde_json::{Value, json};

use crate::replies::{assert_error, assert_members, json as json_body};
use crate::shop::{Shop, ago, deletion, hall, product, with};
use crate::till::Till;

trials! {
    shared:
    create_update_and_delete_each_raise_the_version,
    the_response_has_exactly_the_promised_members,
    a_conflict_returns_both_copies,
    base_version_zero_only_creates,
    the_later_write_wins_without_a_base_version,
    a_tombstone_wins_over_updates_of_older_versions,
    a_batch_id_is_applied_once_and_gets_the_same_response,
    batch_ids_are_per_device,
    a_token_without_a_device_takes_no_batch_id_from_a_device,
    a_retried_batch_of_conflicts_gets_the_same_response,
    writes_of_one_record_apply_in_order,
    offline_create_and_edits_apply_in_order,
    named_fields_change_and_others_keep_their_text,
    an_atomic_batch_applies_all_or_nothing,
    numbers_keep_their_text,
    the_largest_incompressible_batch_commits,
    an_empty_batch_changes_nothing,
    fifty_records_cost_no_more_than_promised,
}

/// The version of the only record, which was applied.
fn only_version(response: &PushResponse) -> u64 {
    let counts = (response.applied.len(), response.conflicts.len(), response.errors.len());
    assert_eq!(counts, (1, 0, 0), "{response:?}");
    response.applied[0].version
}

/// The reason of the only record's conflict.
fn only_conflict(response: &PushResponse) -> &str {
    assert_eq!((response.applied.len(), response.conflicts.len()), (0, 1), "{response:?}");
    &response.conflicts[0].reason
}

/// Pushes the product `p1` with this text as its data, and with these members.
async fn push_text(till: &Till, data: &str, members: &str) -> PushResponse {
    let key = r#""table_name":"products","record_id":"p1","local_updated_at":"2025-12-07T10:30:00Z""#;
    let body = format!(r#"{{"device_id":"till-1","records":[{{{key},"data":{data},{members}}}]}}"#);
    till.api.post("/api/sync/batch-push", body).await.unwrap().ok().unwrap()
}

async fn create_update_and_delete_each_raise_the_version(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    let create = till.push(&[product("p1", &json!({"name": "A"}))]).await;
    let update = till.push(&[with(product("p1", &json!({"name": "B"})), "base_version", 1)]).await;
    let delete = till.push(&[deletion("p1", 2)]).await;
    assert_eq!([only_version(&create), only_version(&update), only_version(&delete)], [1, 2, 3]);
    assert_eq!((create.prev, update.prev, delete.prev), (Stamp::ZERO, create.stamp, update.stamp));
    let changes = till.pull_all(Stamp::ZERO, 100).await;
    let operations: Vec<_> =
        changes.iter().map(|change| serde_json::to_value(change.operation).unwrap()).collect();
    assert_eq!(operations, ["create", "update", "delete"]);
    assert_eq!(changes[2].data.as_str(), r#"{"name":"B"}"#, "a deletion carries the last data");
    assert!(changes[2].is_deleted);
}

async fn the_response_has_exactly_the_promised_members(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    let records = [product("p1", &json!({"name": "A"})), product("p1", &json!(7))];
    let reply = till.push_raw(&till.batch(Some("b1"), &records)).await;
    let body = json_body(&reply);
    assert_members(
        &body,
        "applied conflicts cursor errors history prev server_time stamp success synced_count",
    );
    assert_members(&body["applied"][0], "index record_id server_updated_at stamp table_name version");
    let rejected = "code index message record_id server_data server_device_id server_stamp server_updated_at \
                    server_version table_name";
    assert_members(&body["errors"][0], rejected);
    assert_eq!((body["synced_count"].as_u64(), body["success"].as_bool()), (Some(1), Some(true)));
    assert_eq!(body["errors"][0]["index"], 1);
    let time = body["server_time"].as_str().unwrap();
    assert!(time.len() == 27 && time.ends_with('Z'), "{time}");
    assert_eq!(reply.headers["content-type"], "application/json");
    assert!(reply.headers.contains_key("x-request-id"));
}

async fn a_conflict_returns_both_copies(shop: &'static Shop) {
    let (one, two) = (shop.till("till-1").await, shop.till("till-2").await);
    one.push(&[hall("p1", &json!({"name": "A"}))]).await;
    one.push(&[with(hall("p1", &json!({"name": "B"})), "base_version", 1)]).await;
    let at = ago(3600);
    let earlier = with(hall("p1", &json!({"name": "C"})), "local_updated_at", at.clone());
    let response = two.push(&[with(earlier, "base_version", 1)]).await;
    assert_eq!(only_conflict(&response), "newer_on_server");
    let conflict = &response.conflicts[0];
    assert_eq!(conflict.local_data.as_ref().unwrap().as_str(), r#"{"name":"C"}"#);
    assert_eq!(conflict.server_data.as_ref().unwrap().as_str(), r#"{"name":"B"}"#);
    assert_eq!((conflict.server_version, conflict.local_updated_at.as_deref()), (2, Some(&*at)));
    assert_eq!((response.prev, response.synced_count), (response.stamp, 0), "nothing was written");
}

async fn base_version_zero_only_creates(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    let create = |id| with(product(id, &json!({"name": "A"})), "base_version", 0);
    assert_eq!(only_version(&till.push(&[create("p1")]).await), 1);
    let other = shop.till("till-2").await;
    assert_eq!(only_conflict(&other.push(&[create("p1")]).await), "already_exists");
    let unknown = with(product("p2", &json!({})), "base_version", 4);
    let response = till.push(&[unknown]).await;
    assert_eq!(only_conflict(&response), "deleted_on_server");
    let conflict = &response.conflicts[0];
    assert_eq!((conflict.server_version, conflict.server_data.is_none()), (0, true));
}

async fn the_later_write_wins_without_a_base_version(shop: &'static Shop) {
    let (one, two) = (shop.till("till-1").await, shop.till("till-2").await);
    let at = |secs: u64| with(hall("p1", &json!({"ago": secs})), "local_updated_at", ago(secs));
    one.push(&[at(1800)]).await;
    assert_eq!(only_conflict(&two.push(&[at(1801)]).await), "newer_on_server");
    assert_eq!(only_version(&two.push(&[at(1799)]).await), 2);
    // A device may overwrite its own record with an older time.
    assert_eq!(only_version(&two.push(&[at(3600)]).await), 3);
}

async fn a_tombstone_wins_over_updates_of_older_versions(shop: &'static Shop) {
    let (one, two) = (shop.till("till-1").await, shop.till("till-2").await);
    one.push(&[product("p1", &json!({"name": "A"}))]).await;
    one.push(&[deletion("p1", 1)]).await;
    assert_eq!(only_conflict(&two.push(&[product("p1", &json!({"name": "B"}))]).await), "deleted_on_server");
    let based = |base: u64| with(product("p1", &json!({"name": "B"})), "base_version", base);
    assert_eq!(only_conflict(&two.push(&[based(1)]).await), "deleted_on_server");
    assert_eq!(only_version(&two.push(&[based(0)]).await), 3);
    one.push(&[deletion("p1", 3)]).await;
    assert_eq!(only_version(&two.push(&[based(4)]).await), 5);
}

async fn a_batch_id_is_applied_once_and_gets_the_same_response(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    let records = [product("p1", &json!({"name": "A"})), product("p2", &json!(5)), product("p3", &json!({}))];
    let batch = till.batch(Some("b1"), &records);
    let first = till.push_batch(&batch).await;
    till.push(&[with(product("p1", &json!({"name": "later"})), "base_version", 1)]).await;
    for clock in ["2025-12-07T10:30:00Z", "2025-12-07T10:31:00Z"] {
        let again = till.push_batch(&with(batch.clone(), "device_time", clock)).await;
        let stable_members = |response: &PushResponse| {
            let PushResponse { applied, errors, prev, stamp, cursor, .. } = response;
            serde_json::to_value((applied, errors, prev, stamp, cursor)).unwrap()
        };
        assert_eq!(stable_members(&again), stable_members(&first));
    }
    let other = till.push_raw(&till.batch(Some("b1"), &[product("p9", &json!({}))])).await;
    assert_error(&other, 409, "batch_id_reused");
    assert_eq!(till.pull_all(Stamp::ZERO, 100).await.len(), 3);
}

async fn batch_ids_are_per_device(shop: &'static Shop) {
    let (one, two) = (shop.till("till-1").await, shop.till("till-2").await);
    for (till, id) in [(&one, "p1"), (&two, "p2")] {
        let response = till.push_batch(&till.batch(Some("b1"), &[product(id, &json!({}))])).await;
        assert_eq!(only_version(&response), 1);
    }
}

async fn a_token_without_a_device_takes_no_batch_id_from_a_device(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    let (free, _) = shop.session("cashier", "1", None).await;
    let free = Till { api: free, device: "till-1".into() };
    let [guess, own] = ["p1", "p2"].map(|id| till.batch(Some("b1"), &[product(id, &json!({}))]));
    let guessed = free.push_batch(&guess).await;
    assert_eq!(only_version(&guessed), 1);
    // A retry of the same batch is settled, whichever token sends it.
    assert_eq!(till.push_batch(&guess).await.stamp, guessed.stamp);
    // The device's own batch under the id is applied once; from then on the id is the device's.
    let applied = till.push_batch(&own).await;
    assert_eq!(only_version(&applied), 1);
    assert_eq!(till.push_batch(&own).await.stamp, applied.stamp);
    assert_error(&free.push_raw(&guess).await, 409, "batch_id_reused");
    assert_eq!(till.pull_all(Stamp::ZERO, 100).await.len(), 2);
}

async fn a_retried_batch_of_conflicts_gets_the_same_response(shop: &'static Shop) {
    let (one, two) = (shop.till("till-1").await, shop.till("till-2").await);
    one.push(&[product("p1", &json!({"name": "A"}))]).await;
    let batch = two.batch(Some("b1"), &[with(product("p1", &json!({"name": "B"})), "base_version", 0)]);
    let first = two.push_batch(&batch).await;
    assert_eq!(only_conflict(&first), "already_exists");
    // The record is deleted, so a second decision would create it.
    one.push(&[deletion("p1", 1)]).await;
    let again = two.push_batch(&batch).await;
    assert_eq!(only_conflict(&again), "already_exists");
}

async fn writes_of_one_record_apply_in_order(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    let named = |name: &str, base: u64| with(product("p1", &json!({"name": name})), "base_version", base);
    let response = till.push(&[named("A", 0), named("B", 1), named("C", 1), named("D", 2)]).await;
    let versions: Vec<_> = response.applied.iter().map(|applied| (applied.index, applied.version)).collect();
    assert_eq!(versions, [(0, 1), (1, 2), (3, 3)]);
    assert_eq!((response.conflicts[0].index, &*response.conflicts[0].reason), (2, "fields_conflict"));
    assert_eq!(till.pull_all(Stamp::ZERO, 100).await.last().unwrap().data.as_str(), r#"{"name":"D"}"#);
}

async fn offline_create_and_edits_apply_in_order(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    let new = |data: &Value| with(product("p1", data), "base_version", 0);
    let response = till.push(&[new(&json!({"n": 1})), new(&json!({"n": 2})), new(&json!({"n": 3}))]).await;
    assert_eq!(response.applied.iter().map(|applied| applied.version).collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!(only_conflict(&till.push(&[new(&json!({"n": 4}))]).await), "already_exists");
}

async fn named_fields_change_and_others_keep_their_text(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    push_text(&till, r#"{"name":"A","price":1.10}"#, r#""base_version":0"#).await;
    let response = push_text(&till, r#"{"name":"B"}"#, r#""base_version":1,"fields":["name"]"#).await;
    assert_eq!(response.applied[0].data.as_ref().unwrap().as_str(), r#"{"name":"B","price":1.10}"#);
}

async fn an_atomic_batch_applies_all_or_nothing(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    till.push(&[product("p1", &json!({"name": "A"}))]).await;
    let good = || product("p2", &json!({"name": "B"}));
    let bad = with(product("p1", &json!({"name": "B"})), "base_version", 0);
    let atomic = |records: &[Value]| with(till.batch(Some("b1"), records), "atomic", true);
    let response = till.push_batch(&atomic(&[good(), bad])).await;
    assert_eq!((response.success, response.applied.len(), response.conflicts.len()), (false, 0, 1));
    assert_eq!(till.pull_all(Stamp::ZERO, 100).await.len(), 1);
    let response = till.push_batch(&atomic(&[good()])).await;
    assert_eq!((response.success, response.synced_count), (true, 1));
}

async fn numbers_keep_their_text(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    let data = r#"{"big":9007199254740993,"price":1.10,"tiny":1e-400}"#;
    push_text(&till, data, r#""base_version":0"#).await;
    assert_eq!(till.pull_all(Stamp::ZERO, 100).await[0].data.as_str(), data);
}

async fn the_largest_incompressible_batch_commits(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    let random = |bytes: usize| -> String {
        let mut buffer = vec![0; bytes / 2];
        getrandom::fill(&mut buffer).unwrap();
        buffer.iter().map(|byte| format!("{byte:02x}")).collect()
    };
    let full = protocol::limits::BATCH_BYTES_MAX / 50 - 32;
    let records: Vec<Value> =
        (0..50).map(|i| product(&format!("p{i}"), &json!({"x": random(full)}))).collect();
    let response = till.push(&records).await;
    assert_eq!(response.synced_count, 50);
    assert_eq!(till.pull_all(Stamp::ZERO, 1000).await.len(), 50);
}

async fn an_empty_batch_changes_nothing(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    let response = till.push_batch(&till.batch(Some("b1"), &[])).await;
    assert_eq!((response.success, response.synced_count, response.stamp), (true, 0, Stamp::ZERO));
}

async fn fifty_records_cost_no_more_than_promised(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    let describe = |i: usize| json!({"name": format!("Product {i}"), "note": "x".repeat(200), "price": i, "sku": i * 7919});
    for page in 0..2 {
        let records: Vec<Value> =
            (0..50).map(|i| product(&format!("p{page}-{i}"), &describe(page * 50 + i))).collect();
        let reply = till.push_raw(&till.batch(Some(&format!("b{page}")), &records)).await;
        assert!(reply.ok::<PushResponse>().is_ok());
        let cost = reply.cost();
        assert_eq!(cost.requests, 2);
        assert!(cost.write_tenths <= 50 * 26, "{cost:?}");
    }
    let pull = till.pull_raw("limit=100").await;
    assert!(pull.cost().requests <= 2 && pull.cost().read_tenths <= 50, "{:?}", pull.cost());
    let cursor = pull.ok::<protocol::wire::pull::PullResponse>().unwrap().next_cursor;
    let nothing = till.pull_raw(&format!("cursor={cursor}")).await;
    assert_eq!((nothing.cost().requests, nothing.cost().read_tenths), (1, 10));
}
