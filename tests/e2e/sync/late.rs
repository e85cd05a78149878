//! Batches that come, or come again, after the server has forgotten their ids. DynamoDB's deletion of expired
//! items is played by the tests.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use functions::sync::keys;
use protocol::timestamp::Timestamp;
use protocol::wire::dead_letters::DeadLettersResponse;
use protocol::wire::push::PushResponse;
use serde_json::{Value, json};
use tests::fleet;
use tests::till::state::State;

use super::absence::{caught_up, days_ago, expire, expire_record, live};
use crate::shop::{Shop, deletion, product, record, with};

trials! {
    shared:
    a_batch_with_sales_counts_once_after_its_marker_has_expired,
    a_batch_that_was_never_applied_counts_after_a_hundred_days,
    a_delta_that_cannot_be_told_from_a_repeat_waits_for_a_person,
    a_repeated_create_does_not_restore_a_forgotten_record,
    a_forgotten_record_starts_above_its_old_versions,
    a_deletion_by_the_release_before_counts_too,
    an_atomic_batch_that_cannot_be_told_from_a_repeat_is_refused_as_a_whole,
}

pub(super) fn dated(record: Value, at: Timestamp) -> Value {
    with(record, "local_updated_at", at.to_string())
}

fn sale(id: &str, at: Timestamp) -> Value {
    with(dated(record("invoice_items", id, &json!({ "price": "9.90" })), at), "base_version", 0)
}

pub(super) fn taken(at: Timestamp) -> Value {
    dated(record("product_stock", "tea", &json!({ "quantity": { "$delta": "-1" } })), at)
}

pub(super) fn batch(records: &[Value]) -> Value {
    json!({ "device_id": "till-1", "batch_id": "b1", "records": records })
}

/// A branch that had ten of a product `days` days ago. Returns that time.
pub(super) async fn opened(shop: &'static Shop, days: u64) -> Timestamp {
    shop.till("till-2").await;
    shop.till_of("till-1", "1").await;
    let then = days_ago(days);
    let stock = record("product_stock", "tea", &json!({ "quantity": 10 }));
    shop.push_at(&[with(dated(stock, then), "base_version", 0)], then).await;
    then
}

/// Deletes the marker of [`batch`].
async fn expire_marker(shop: &Shop) {
    let marker = keys::batch(&"till-1".parse().unwrap(), &"b1".parse().unwrap());
    expire(shop, keys::room(&shop.room("1")), marker).await;
}

pub(super) fn codes(response: &PushResponse) -> Vec<&str> {
    response.errors.iter().map(|error| error.code.as_str()).collect()
}

pub(super) async fn quantity(shop: &Shop) -> String {
    let state: State = caught_up(shop, fleet::now()).await;
    state.rows.get("product_stock", "tea").unwrap().data.as_str().to_owned()
}

async fn a_batch_with_sales_counts_once_after_its_marker_has_expired(shop: &'static Shop) {
    let then = opened(shop, 100).await;
    let sold = batch(&[sale("a", then), sale("b", then), taken(then)]);
    assert_eq!(shop.push_batch_at(&sold, then).await.synced_count, 3);
    expire_marker(shop).await;
    let again = shop.push_batch_at(&sold, fleet::now()).await;
    assert_eq!((again.synced_count, again.prev), (3, again.stamp));
    assert_eq!(quantity(shop).await, r#"{"quantity":9}"#);
}

async fn a_batch_that_was_never_applied_counts_after_a_hundred_days(shop: &'static Shop) {
    let then = opened(shop, 101).await;
    let sold = batch(&[sale("a", then), sale("b", then), taken(then)]);
    let response = shop.push_batch_at(&sold, fleet::now()).await;
    assert_eq!((response.synced_count, codes(&response)), (3, vec![]));
    assert_eq!(quantity(shop).await, r#"{"quantity":9}"#);
}

async fn a_delta_that_cannot_be_told_from_a_repeat_waits_for_a_person(shop: &'static Shop) {
    let then = opened(shop, 100).await;
    shop.push_at(&[sale("a", then)], then).await;
    // One of its two sales is there, so it is not the batch that was sent then.
    let sold = batch(&[sale("a", then), sale("b", then), taken(then)]);
    let response = shop.push_batch_at(&sold, fleet::now()).await;
    assert_eq!((response.synced_count, codes(&response)), (2, vec!["too_old"]));
    assert_eq!(quantity(shop).await, r#"{"quantity":10}"#);
    let manager = shop.manager().await;
    let waiting: DeadLettersResponse = manager.get("/api/sync/dead-letters").await.unwrap().ok().unwrap();
    let path = format!("/api/sync/dead-letters/{}/replay", waiting.dead_letters[0].id);
    assert_eq!(manager.post(&path, "").await.unwrap().status, 200);
    assert_eq!(quantity(shop).await, r#"{"quantity":9}"#);
}

async fn a_repeated_create_does_not_restore_a_forgotten_record(shop: &'static Shop) {
    let then = opened(shop, 100).await;
    let created = batch(&[with(dated(product("p1", &json!({})), then), "base_version", 0)]);
    shop.push_batch_at(&created, then).await;
    shop.push_at(&[dated(deletion("p1", 1), then)], then.plus_secs(60)).await;
    expire_marker(shop).await;
    expire_record(shop, &shop.room("1"), "p1").await;
    assert_eq!(codes(&shop.push_batch_at(&created, fleet::now()).await), ["too_old"]);
    assert_eq!(live(&caught_up(shop, fleet::now()).await), ["tea"]);
}

async fn a_forgotten_record_starts_above_its_old_versions(shop: &'static Shop) {
    let then = opened(shop, 100).await;
    let edit = |name: &str, base: u64, at| {
        with(dated(product("p1", &json!({ "name": name })), at), "base_version", base)
    };
    for base in 0..3 {
        shop.push_at(&[edit("old", base, then)], then).await;
    }
    shop.push_at(&[dated(deletion("p1", 3), then)], then.plus_secs(60)).await;
    expire_record(shop, &shop.room("1"), "p1").await;
    let now = fleet::now();
    let created = shop.push_at(&[edit("new", 0, now)], now).await.applied[0].version;
    assert!(created > 4, "{created}");
    // A till that was away edits the version that it knows of the old record.
    let stale = shop.push_at(&[with(edit("stale", 3, now), "fields", json!(["name"]))], now).await;
    assert_eq!(stale.conflicts[0].reason, "fields_conflict");
}

fn head_of(shop: &Shop) -> HashMap<String, AttributeValue> {
    let key = [("pk", keys::room(&shop.room("1"))), ("sk", keys::HEAD.to_owned())];
    key.map(|(name, value)| (name.to_owned(), AttributeValue::S(value))).into()
}

async fn a_deletion_by_the_release_before_counts_too(shop: &'static Shop) {
    const KEPT: &str = "shortest_retention";
    let (dynamo, table) = (&shop.world.dynamo, &shop.world.table);
    let then = opened(shop, 100).await;
    let create = |at| with(dated(product("p1", &json!({})), at), "base_version", 0);
    shop.push_at(&[create(then)], then).await;
    let head = dynamo.get_item().table_name(table).set_key(Some(head_of(shop))).send().await.unwrap();
    let kept = head.item.unwrap()[KEPT].clone();
    shop.push_at(&[dated(deletion("p1", 1), then)], then.plus_secs(60)).await;
    // During a deployment that release moves HEAD and leaves what it does not know.
    let update = dynamo.update_item().table_name(table).set_key(Some(head_of(shop)));
    let update = update.update_expression(format!("SET {KEPT} = :kept"));
    update.expression_attribute_values(":kept", kept).send().await.unwrap();
    expire_record(shop, &shop.room("1"), "p1").await;
    let now = fleet::now();
    assert_eq!(shop.push_at(&[create(now)], now).await.applied[0].version, 4, "after three changes");
}

async fn an_atomic_batch_that_cannot_be_told_from_a_repeat_is_refused_as_a_whole(shop: &'static Shop) {
    let then = opened(shop, 100).await;
    let atomic = |id: &str, records: &[Value]| with(with(batch(records), "batch_id", id), "atomic", true);
    let response = shop.push_batch_at(&atomic("b1", &[taken(then)]), fleet::now()).await;
    assert_eq!((response.success, response.synced_count, codes(&response)), (false, 0, vec!["too_old"]));
    assert!(response.errors[0].message.contains("send it again"), "{}", response.errors[0].message);
    let manager = shop.manager().await;
    let waiting: DeadLettersResponse = manager.get("/api/sync/dead-letters").await.unwrap().ok().unwrap();
    assert_eq!(waiting.dead_letters.len(), 0, "its till has it");
    assert_eq!(quantity(shop).await, r#"{"quantity":10}"#);
    let now = fleet::now();
    assert!(shop.push_batch_at(&atomic("b2", &[taken(now)]), now).await.success);
    assert_eq!(quantity(shop).await, r#"{"quantity":9}"#);
}
