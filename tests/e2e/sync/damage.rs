//! Damaged items in the sync table: each is passed over, and nothing is lost once it is repaired.

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use functions::sync::keys;
use protocol::stamp::Stamp;
use protocol::wire::dead_letters::DeadLettersResponse;
use protocol::wire::pull::PullResponse;
use protocol::wire::push::PushResponse;
use protocol::wire::record::BatchGetResponse;
use protocol::wire::stats::StatsResponse;
use serde_json::{Value, json};
use sync::limits::LOG_SETTLE_SECS;
use tests::fleet;
use tests::till::state::State;

use crate::replies::assert_error;
use crate::shop::{Shop, product};
use crate::stored::Stored;
use crate::sync::absence::live;
use crate::till::Till;

trials! {
    shared:
    a_damaged_record_is_passed_over_and_replayed_when_it_is_repaired,
    a_damaged_record_stays_on_tills_that_have_it,
    a_damaged_log_item_leads_to_a_snapshot,
    a_damaged_head_holds_up_its_own_branch_only,
    a_damaged_marker_does_not_apply_a_batch_again,
    damaged_dead_letters_are_left_out,
    a_damaged_feed_is_written_over,
}

/// A position beyond HEAD, from which a pull is a snapshot.
pub(super) const BEYOND: &str = "v1.9000000000000000";

pub(super) fn sale(id: &str, n: u32) -> Value {
    product(id, &json!({ "n": n }))
}

pub(super) async fn stats(till: &Till, min: Stamp) -> StatsResponse {
    till.api.get(&format!("/api/sync/stats?min={}", min.0)).await.unwrap().ok().unwrap()
}

async fn dead_letters(api: &tests::api::Api) -> DeadLettersResponse {
    api.get("/api/sync/dead-letters").await.unwrap().ok().unwrap()
}

async fn a_damaged_record_is_passed_over_and_replayed_when_it_is_repaired(shop: &'static Shop) {
    let (till, manager) = (shop.till("till-1").await, shop.manager().await);
    till.push(&[sale("a", 1), sale("b", 1)]).await;
    for attribute in ["version", "data", "stamp", "deleted"] {
        let stored = Stored::product(shop, "a").await;
        stored.damage(attribute).await;
        // Reads.
        let reply = till.api.get("/api/data/products/a?min=1").await.unwrap();
        assert_error(&reply, 404, "record_not_found");
        let names = ["a", "b"].map(|id| json!({ "table_name": "products", "record_id": id }));
        let body = json!({ "records": names }).to_string();
        let found: BatchGetResponse = till.api.post("/api/data/batch-get", body).await.unwrap().ok().unwrap();
        assert_eq!((found.records.len(), found.missing[0].record_id.as_str()), (1, "a"), "{attribute}");
        // A push: the write is kept, the rest of the batch is applied, and a retry gets the same answer.
        let batch = till.batch(Some(attribute), &[sale("a", 2), sale(attribute, 1)]);
        let answer = till.push_batch(&batch).await;
        assert_eq!((answer.errors[0].code.as_str(), answer.synced_count), ("record_corrupt", 1));
        let again = till.push_batch(&batch).await;
        assert_eq!((again.errors[0].code.as_str(), again.applied[0].stamp), ("record_corrupt", answer.stamp));
        // A person cannot settle it either, until it is repaired.
        let resolve = json!({ "device_id": "till-1", "table_name": "products", "record_id": "a",
            "resolution": "accept_client", "client_data": { "n": 3 } });
        let reply = till.api.post("/api/sync/resolve-conflict", resolve.to_string()).await.unwrap();
        assert_error(&reply, 422, "record_rejected");
        assert!(reply.body.contains("record_corrupt"), "{}", reply.body);
        assert_eq!(stats(&till, answer.stamp).await.corrupt, 1, "known once, however it is damaged");

        stored.repair().await;
        let letter = dead_letters(&manager).await.dead_letters.remove(0);
        let path = format!("/api/sync/dead-letters/{}/replay", letter.id);
        let replayed: PushResponse = manager.post(&path, "").await.unwrap().ok().unwrap();
        assert_eq!(replayed.synced_count, 1, "{attribute}");
    }
    let rows = till.pull_all(Stamp::ZERO, 100).await;
    assert_eq!(rows.iter().filter(|row| row.record_id == "a").count(), 5, "one create, four replays");
}

async fn a_damaged_record_stays_on_tills_that_have_it(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    till.push(&[sale("a", 1), sale("b", 1), sale("c", 1)]).await;
    let later = fleet::now().plus_secs(LOG_SETTLE_SECS + 1);
    let mut state = State::default();
    let page: PullResponse = shop.pull_at("", later).await.ok().unwrap();
    state.take_page(&page);
    let stored = Stored::product(shop, "b").await;
    stored.damage("version").await;
    let mut query = format!("cursor={BEYOND}&limit=1");
    for _ in 0..10 {
        let page: PullResponse = shop.pull_at(&query, later).await.ok().unwrap();
        assert_eq!(page.mode, "snapshot");
        query = format!("cursor={}&limit=1", page.next_cursor);
        if !state.take_page(&page).more {
            break;
        }
    }
    assert!(!state.is_in_snapshot());
    assert_eq!(live(&state), ["a", "b", "c"]);
    stored.repair().await;
}

async fn a_damaged_log_item_leads_to_a_snapshot(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    let first = till.push(&[sale("a", 1)]).await.stamp;
    let damages: [(&str, Option<AttributeValue>); 5] = [
        ("body", Some(AttributeValue::B(Blob::new(vec![1, 2, 3])))),
        ("body", None),
        ("prev", None),
        ("device", Some(AttributeValue::N("7".into()))),
        // One change more than the body has.
        ("first", Some(AttributeValue::N((first.0 + 1).to_string()))),
    ];
    for (i, (attribute, value)) in damages.into_iter().enumerate() {
        let before = till.push(&[sale("b", 1)]).await.stamp;
        let damaged = till.push(&[sale("c", 1), sale(&format!("d{i}"), 1)]).await.stamp;
        let stored = Stored::last_log_item(shop).await;
        stored.set(attribute, value).await;
        // A till that follows waits for the item, as it does for one that is not visible yet.
        let position = format!("since={}", before.0);
        assert_error(&till.pull_raw(&position).await, 503, "unavailable");
        let later = fleet::now().plus_secs(LOG_SETTLE_SECS + 1);
        let page: PullResponse = shop.pull_at(&position, later).await.ok().unwrap();
        assert_eq!(
            (page.mode.as_str(), page.stamp, page.has_more),
            ("snapshot", damaged, false),
            "{attribute}"
        );
        assert_eq!(page.changes.len(), 4 + 2 * i);
        // From there on, the log goes on.
        let next = till.push(&[sale(&format!("e{i}"), 1)]).await.stamp;
        let page: PullResponse = till.pull_raw(&format!("cursor={}", page.next_cursor)).await.ok().unwrap();
        assert_eq!((page.mode.as_str(), page.changes.len(), page.stamp), ("changes", 1, next));
        stored.repair().await;
    }
    assert_eq!(stats(&till, first).await.corrupt, 5);
}

async fn a_damaged_head_holds_up_its_own_branch_only(shop: &'static Shop) {
    let (first, second) = (shop.till_of("till-1", "1").await, shop.till_of("till-2", "2").await);
    let office = shop.head_office().await;
    first.push(&[sale("a", 1)]).await;
    second.push(&[sale("b", 1)]).await;
    let stored = Stored::in_room(shop, keys::HEAD).await;
    stored.damage("stamp").await;
    for reply in [first.push_raw(&first.batch(None, &[sale("c", 1)])).await, first.pull_raw("").await] {
        assert_error(&reply, 503, "unavailable");
        assert!(reply.headers.contains_key("retry-after"));
    }
    let pull = async |cursor: &str| -> PullResponse {
        office.get(&format!("/api/sync/pull-changes?cursor={cursor}")).await.unwrap().ok().unwrap()
    };
    let page = pull("").await;
    assert_eq!((page.branch_id.as_deref(), page.changes.len(), page.has_more), (Some("2"), 1, false));
    stored.repair().await;
    let page = pull(&page.next_cursor).await;
    assert_eq!((page.branch_id.as_deref(), page.changes.len()), (Some("1"), 1), "its position stayed");
    // Damaged counters hold up nothing.
    for counter in ["changes", "log_items", "live"] {
        stored.damage(counter).await;
        assert_eq!(first.pull_all(Stamp::ZERO, 10).await.len(), 1, "{counter}");
        stored.repair().await;
    }
}

async fn a_damaged_marker_does_not_apply_a_batch_again(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    let stock = |data: Value| crate::shop::record("product_stock", "tea", &data);
    till.push(&[stock(json!({ "quantity": 10 }))]).await;
    let batch = till.batch(Some("b1"), &[sale("a", 1), stock(json!({ "quantity": { "$delta": "-2" } }))]);
    till.push_batch(&batch).await;
    let (device, id) = ("till-1".parse().unwrap(), "b1".parse().unwrap());
    let stored = Stored::in_room(shop, &keys::batch(&device, &id)).await;
    for (attribute, value) in [("hash", None), ("codes", Some(AttributeValue::S("?".into())))] {
        stored.set(attribute, value).await;
        let answer = till.push_batch(&batch).await;
        assert_eq!((answer.applied[0].record_id.as_str(), answer.prev), ("a", answer.stamp), "{attribute}");
        let unknown = &answer.conflicts[0];
        assert_eq!((unknown.record_id.as_str(), unknown.reason.as_str()), ("tea", "outcome_unknown"));
        assert_eq!(unknown.server_data.as_ref().unwrap().as_str(), r#"{"quantity":8}"#, "added once");
        stored.repair().await;
    }
    assert_eq!(till.push_batch(&batch).await.synced_count, 2);
}

async fn damaged_dead_letters_are_left_out(shop: &'static Shop) {
    let (till, manager) = (shop.till("till-1").await, shop.manager().await);
    till.push(&[json!("a")]).await;
    let room = shop.room("1");
    let items =
        async || crate::invariants::partition(&shop.world.dynamo, &shop.world.table, keys::room(&room)).await;
    let sk = |item: &functions::dynamo::item::Item| item["sk"].as_s().unwrap().clone();
    let first = items().await.iter().map(sk).find(|sk| sk.starts_with(keys::DEAD_PREFIX)).unwrap();
    till.push(&[json!("b")]).await;
    let id = dead_letters(&manager).await.dead_letters[0].id.clone();
    let stored = Stored::in_room(shop, &first).await;
    for attribute in ["body", "open", "device"] {
        stored.damage(attribute).await;
        let listed = dead_letters(&manager).await;
        assert_eq!((listed.dead_letters.len(), listed.has_more), (1, false), "{attribute}");
        let reply = manager.post(&format!("/api/sync/dead-letters/{id}/discard"), "").await.unwrap();
        assert_error(&reply, 404, "dead_letter_not_found");
        stored.repair().await;
    }
    stored.set("body", Some(AttributeValue::B(Blob::new(vec![1, 2])))).await;
    let listed: DeadLettersResponse =
        manager.get("/api/sync/dead-letters?limit=1").await.unwrap().ok().unwrap();
    assert_eq!(listed.dead_letters.len(), 1, "of the readable ones");
    stored.repair().await;
    assert_eq!(dead_letters(&manager).await.dead_letters.len(), 2);
}

async fn a_damaged_feed_is_written_over(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    till.push(&[sale("a", 1)]).await;
    super::stats::wait_until_delivered(&till.api).await;
    for attribute in ["stamp", "changes"] {
        Stored::in_room(shop, keys::FEED).await.damage(attribute).await;
        let stamp = till.push(&[sale(attribute, 1)]).await.stamp;
        stats(&till, stamp).await;
        super::stats::wait_until_delivered(&till.api).await;
    }
}
