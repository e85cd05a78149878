//! `POST /api/sync/batch-push`

use libtest_mimic::Trial;
use protocol::stamp::Stamp;
use protocol::wire::push::PushResponse;
use serde_json::{Value, json};

use crate::shop::{Shop, ago, hall, product, with};

pub(crate) fn trials() -> Vec<Trial> {
    trials![
        create_update_delete_count_up_one_version,
        the_answer_has_exactly_the_promised_members,
        a_conflict_returns_both_sides,
        base_version_zero_creates_and_nothing_else,
        the_timestamp_rule_settles_what_has_no_base,
        a_tombstone_beats_updates_that_do_not_know_it,
        a_batch_id_is_applied_once_and_answered_again,
        a_batch_id_is_the_devices_own,
        a_batch_of_conflicts_is_answered_again_too,
        a_repeated_record_is_decided_in_order,
        what_was_created_and_edited_offline_arrives_in_order,
        named_fields_change_and_the_rest_keeps_its_text,
        atomic_applies_everything_or_nothing,
        numbers_keep_their_text,
        the_largest_batch_commits_even_if_it_does_not_compress,
        an_empty_batch_changes_nothing,
        fifty_records_cost_no_more_than_promised,
    ]
}

fn only(answer: &PushResponse) -> u64 {
    assert_eq!((answer.applied.len(), answer.conflicts.len(), answer.errors.len()), (1, 0, 0), "{answer:?}");
    answer.applied[0].version
}

fn reason(answer: &PushResponse) -> &str {
    assert_eq!((answer.applied.len(), answer.conflicts.len()), (0, 1), "{answer:?}");
    &answer.conflicts[0].reason
}

fn deleted(id: &str, base: u64) -> Value {
    with(with(product(id, &json!(null)), "is_deleted", true), "base_version", base)
}

async fn create_update_delete_count_up_one_version(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    let create = till.push(&[product("p1", &json!({"name": "A"}))]).await;
    let update = till.push(&[with(product("p1", &json!({"name": "B"})), "base_version", 1)]).await;
    let delete = till.push(&[deleted("p1", 2)]).await;
    assert_eq!([only(&create), only(&update), only(&delete)], [1, 2, 3]);
    assert_eq!((create.prev, update.prev, delete.prev), (Stamp::ZERO, create.stamp, update.stamp));
    let changes = till.pull_all(Stamp::ZERO, 100).await;
    let operations: Vec<_> =
        changes.iter().map(|change| serde_json::to_value(change.operation).unwrap()).collect();
    assert_eq!(operations, ["create", "update", "delete"]);
    assert_eq!(changes[2].data.as_str(), r#"{"name":"B"}"#, "a delete carries the last data");
    assert!(changes[2].is_deleted);
}

async fn the_answer_has_exactly_the_promised_members(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    let records = [product("p1", &json!({"name": "A"})), product("p1", &json!(7))];
    let reply = till.push_raw(&till.batch(Some("b1"), &records)).await;
    let body: Value = serde_json::from_str(&reply.body).unwrap();
    let names = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>().join(" ");
    assert_eq!(names(&body), "applied conflicts cursor errors prev server_time stamp success synced_count");
    assert_eq!(names(&body["applied"][0]), "index record_id server_updated_at stamp table_name version");
    assert_eq!(names(&body["errors"][0]), "code index message record_id table_name");
    assert_eq!((body["synced_count"].as_u64(), body["success"].as_bool()), (Some(1), Some(true)));
    assert_eq!(body["errors"][0]["index"], 1);
    let time = body["server_time"].as_str().unwrap();
    assert!(time.len() == 27 && time.ends_with('Z'), "{time}");
    assert_eq!(reply.headers["content-type"], "application/json");
    assert!(reply.headers.contains_key("x-request-id"));
}

async fn a_conflict_returns_both_sides(shop: &'static Shop) {
    let (one, two) = (shop.till("till-1").await, shop.till("till-2").await);
    one.push(&[hall("p1", &json!({"name": "A"}))]).await;
    one.push(&[with(hall("p1", &json!({"name": "B"})), "base_version", 1)]).await;
    let at = ago(3600);
    let earlier = with(hall("p1", &json!({"name": "C"})), "local_updated_at", at.clone());
    let answer = two.push(&[with(earlier, "base_version", 1)]).await;
    assert_eq!(reason(&answer), "newer_on_server");
    let conflict = &answer.conflicts[0];
    assert_eq!(conflict.local_data.as_ref().unwrap().as_str(), r#"{"name":"C"}"#);
    assert_eq!(conflict.server_data.as_ref().unwrap().as_str(), r#"{"name":"B"}"#);
    assert_eq!((conflict.server_version, &*conflict.local_updated_at), (2, &*at));
    assert_eq!((answer.prev, answer.synced_count), (answer.stamp, 0), "nothing was written");
}

async fn base_version_zero_creates_and_nothing_else(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    let create = |id| with(product(id, &json!({"name": "A"})), "base_version", 0);
    assert_eq!(only(&till.push(&[create("p1")]).await), 1);
    let other = shop.till("till-2").await;
    assert_eq!(reason(&other.push(&[create("p1")]).await), "already_exists");
    let unknown = with(product("p2", &json!({})), "base_version", 4);
    let answer = till.push(&[unknown]).await;
    assert_eq!(reason(&answer), "deleted_on_server");
    assert_eq!((answer.conflicts[0].server_version, answer.conflicts[0].server_data.is_none()), (0, true));
}

async fn the_timestamp_rule_settles_what_has_no_base(shop: &'static Shop) {
    let (one, two) = (shop.till("till-1").await, shop.till("till-2").await);
    let at = |secs: u64| with(hall("p1", &json!({"ago": secs})), "local_updated_at", ago(secs));
    one.push(&[at(1800)]).await;
    assert_eq!(reason(&two.push(&[at(1801)]).await), "newer_on_server");
    assert_eq!(only(&two.push(&[at(1799)]).await), 2);
    assert_eq!(only(&two.push(&[at(3600)]).await), 3, "the same device writes after itself");
}

async fn a_tombstone_beats_updates_that_do_not_know_it(shop: &'static Shop) {
    let (one, two) = (shop.till("till-1").await, shop.till("till-2").await);
    one.push(&[product("p1", &json!({"name": "A"}))]).await;
    one.push(&[deleted("p1", 1)]).await;
    assert_eq!(reason(&two.push(&[product("p1", &json!({"name": "B"}))]).await), "deleted_on_server");
    let based = |base: u64| with(product("p1", &json!({"name": "B"})), "base_version", base);
    assert_eq!(reason(&two.push(&[based(1)]).await), "deleted_on_server");
    assert_eq!(only(&two.push(&[based(0)]).await), 3);
    one.push(&[deleted("p1", 3)]).await;
    assert_eq!(only(&two.push(&[based(4)]).await), 5);
}

async fn a_batch_id_is_applied_once_and_answered_again(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    let records = [product("p1", &json!({"name": "A"})), product("p2", &json!(5)), product("p3", &json!({}))];
    let batch = till.batch(Some("b1"), &records);
    let first: PushResponse = till.push_raw(&batch).await.ok().unwrap();
    till.push(&[with(product("p1", &json!({"name": "later"})), "base_version", 1)]).await;
    for clock in ["2025-12-07T10:30:00Z", "2025-12-07T10:31:00Z"] {
        let again: PushResponse =
            till.push_raw(&with(batch.clone(), "device_time", clock)).await.ok().unwrap();
        let told = |answer: &PushResponse| {
            serde_json::to_value((&answer.applied, &answer.errors, answer.prev, answer.stamp, &answer.cursor))
                .unwrap()
        };
        assert_eq!(told(&again), told(&first));
    }
    let other = till.push_raw(&till.batch(Some("b1"), &[product("p9", &json!({}))])).await;
    assert_eq!((other.status.as_u16(), other.code().as_deref()), (409, Some("batch_id_reused")));
    assert_eq!(till.pull_all(Stamp::ZERO, 100).await.len(), 3);
}

async fn a_batch_id_is_the_devices_own(shop: &'static Shop) {
    let (one, two) = (shop.till("till-1").await, shop.till("till-2").await);
    for (till, id) in [(&one, "p1"), (&two, "p2")] {
        let answer: PushResponse =
            till.push_raw(&till.batch(Some("b1"), &[product(id, &json!({}))])).await.ok().unwrap();
        assert_eq!(only(&answer), 1);
    }
}

async fn a_batch_of_conflicts_is_answered_again_too(shop: &'static Shop) {
    let (one, two) = (shop.till("till-1").await, shop.till("till-2").await);
    one.push(&[product("p1", &json!({"name": "A"}))]).await;
    let batch = two.batch(Some("b1"), &[with(product("p1", &json!({"name": "B"})), "base_version", 0)]);
    let first: PushResponse = two.push_raw(&batch).await.ok().unwrap();
    assert_eq!(reason(&first), "already_exists");
    // Decided anew it would now be a create: the record is gone.
    one.push(&[deleted("p1", 1)]).await;
    let again: PushResponse = two.push_raw(&batch).await.ok().unwrap();
    assert_eq!(reason(&again), "already_exists");
}

async fn a_repeated_record_is_decided_in_order(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    let named = |name: &str, base: u64| with(product("p1", &json!({"name": name})), "base_version", base);
    let answer = till.push(&[named("A", 0), named("B", 1), named("C", 1), named("D", 2)]).await;
    let versions: Vec<_> = answer.applied.iter().map(|applied| (applied.index, applied.version)).collect();
    assert_eq!(versions, [(0, 1), (1, 2), (3, 3)]);
    assert_eq!((answer.conflicts[0].index, &*answer.conflicts[0].reason), (2, "fields_conflict"));
    assert_eq!(till.pull_all(Stamp::ZERO, 100).await.last().unwrap().data.as_str(), r#"{"name":"D"}"#);
}

async fn what_was_created_and_edited_offline_arrives_in_order(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    let new = |data: &Value| with(product("p1", data), "base_version", 0);
    let answer = till.push(&[new(&json!({"n": 1})), new(&json!({"n": 2})), new(&json!({"n": 3}))]).await;
    assert_eq!(answer.applied.iter().map(|applied| applied.version).collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!(reason(&till.push(&[new(&json!({"n": 4}))]).await), "already_exists");
}

async fn named_fields_change_and_the_rest_keeps_its_text(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    let raw = |data: &str, more: &str| {
        format!(
            r#"{{"device_id":"till-1","records":[{{"table_name":"products","record_id":"p1","data":{data},"local_updated_at":"2025-12-07T10:30:00Z"{more}}}]}}"#
        )
    };
    till.api
        .post("/api/sync/batch-push", raw(r#"{"name":"A","price":1.10}"#, r#","base_version":0"#))
        .await
        .unwrap();
    let change = raw(r#"{"name":"B"}"#, r#","base_version":1,"fields":["name"]"#);
    let answer: PushResponse = till.api.post("/api/sync/batch-push", change).await.unwrap().ok().unwrap();
    assert_eq!(answer.applied[0].data.as_ref().unwrap().as_str(), r#"{"name":"B","price":1.10}"#);
}

async fn atomic_applies_everything_or_nothing(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    till.push(&[product("p1", &json!({"name": "A"}))]).await;
    let good = || product("p2", &json!({"name": "B"}));
    let bad = with(product("p1", &json!({"name": "B"})), "base_version", 0);
    let atomic = |records: &[Value]| with(till.batch(Some("b1"), records), "atomic", true);
    let answer: PushResponse = till.push_raw(&atomic(&[good(), bad])).await.ok().unwrap();
    assert_eq!((answer.success, answer.applied.len(), answer.conflicts.len()), (false, 0, 1));
    assert_eq!(till.pull_all(Stamp::ZERO, 100).await.len(), 1);
    let answer: PushResponse = till.push_raw(&atomic(&[good()])).await.ok().unwrap();
    assert_eq!((answer.success, answer.synced_count), (true, 1));
}

async fn numbers_keep_their_text(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    let data = r#"{"big":9007199254740993,"price":1.10,"tiny":1e-400}"#;
    let body = format!(
        r#"{{"device_id":"till-1","records":[{{"table_name":"products","record_id":"p1","data":{data},"local_updated_at":"2025-12-07T10:30:00Z","base_version":0}}]}}"#
    );
    till.api.post("/api/sync/batch-push", body).await.unwrap();
    assert_eq!(till.pull_all(Stamp::ZERO, 100).await[0].data.as_str(), data);
}

async fn the_largest_batch_commits_even_if_it_does_not_compress(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    let random = |bytes: usize| -> String {
        let mut buffer = vec![0; bytes / 2];
        getrandom::fill(&mut buffer).unwrap();
        buffer.iter().map(|byte| format!("{byte:02x}")).collect()
    };
    let full = protocol::limits::BATCH_BYTES_MAX / 50 - 32;
    let records: Vec<Value> =
        (0..50).map(|i| product(&format!("p{i}"), &json!({"x": random(full)}))).collect();
    let answer = till.push(&records).await;
    assert_eq!(answer.synced_count, 50);
    assert_eq!(till.pull_all(Stamp::ZERO, 1000).await.len(), 50);
}

async fn an_empty_batch_changes_nothing(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    let answer: PushResponse = till.push_raw(&till.batch(Some("b1"), &[])).await.ok().unwrap();
    assert_eq!((answer.success, answer.synced_count, answer.stamp), (true, 0, Stamp::ZERO));
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
