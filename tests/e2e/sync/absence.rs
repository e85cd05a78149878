//! Tills that come back after the log has gone, or after the server was restored: snapshots.

use std::collections::{BTreeSet, HashMap};

use aws_sdk_dynamodb::types::AttributeValue;
use functions::sync::keys;
use libtest_mimic::Trial;
use protocol::ids::Room;
use protocol::record::RecordKey;
use protocol::stamp::{Stamp, cursor};
use protocol::timestamp::Timestamp;
use protocol::wire::pull::PullResponse;
use serde_json::{Value, json};
use sync::limits::{LOG_RETENTION_SECS, LOG_SETTLE_SECS, TOMBSTONE_RETENTION_SECS};
use tests::fleet;

use crate::follower::Holds;
use crate::invariants;
use crate::shop::{Shop, product, with};

pub(crate) fn trials() -> Vec<Trial> {
    trials![
        a_log_that_has_expired_gives_a_snapshot_through_the_edge,
        a_position_beyond_head_gives_a_snapshot,
        a_break_in_the_chain_gives_a_snapshot,
        a_young_gap_is_waited_for,
        a_room_that_is_written_to_gives_a_snapshot_too,
        a_walk_goes_on_at_any_page_after_any_write,
        what_was_purged_is_swept,
        a_till_that_was_away_for_long_cannot_resurrect,
    ]
}

const DAY_SECS: u64 = 24 * 3600;

fn days_ago(days: u64) -> Timestamp {
    Timestamp(fleet::now().0 - days * DAY_SECS * 1_000_000)
}

fn week_later() -> Timestamp {
    fleet::now().plus_secs(LOG_RETENTION_SECS + 1)
}

/// A write at `at`, which is also when it is pushed.
fn write(id: &str, at: Timestamp) -> Value {
    with(product(id, &json!({ "at": at.0 })), "local_updated_at", at.to_string())
}

/// Deletes an item, as its `ttl` does.
async fn forget(shop: &Shop, pk: String, sk: String) {
    shop.forgets();
    let key = [("pk", pk), ("sk", sk)].map(|(name, value)| (name.to_owned(), AttributeValue::S(value)));
    let request = shop.world.dynamo.delete_item().table_name(&shop.world.table);
    request.set_key(Some(HashMap::from(key))).send().await.unwrap();
}

/// Lets these log items go, counted from the oldest.
pub(crate) async fn forget_log(shop: &Shop, room: &Room, which: impl Fn(usize) -> bool) {
    let items = invariants::partition(&shop.world.dynamo, &shop.world.table, keys::log(room)).await;
    for (_, item) in items.iter().enumerate().filter(|(i, _)| which(*i)) {
        forget(shop, keys::log(room), item["sk"].as_s().unwrap().clone()).await;
    }
}

/// Lets a record go, as a tombstone does after 90 days.
async fn forget_record(shop: &Shop, room: &Room, id: &str) {
    let key = RecordKey { table: "products".into(), id: id.into() };
    forget(shop, keys::room(room), keys::record(&key)).await;
}

/// What a till holds that has pulled everything at `now`.
async fn fresh(shop: &Shop, now: Timestamp) -> Holds {
    let mut holds = Holds::default();
    holds.catch_up(shop, 1000, now).await;
    holds
}

/// Twelve products of eight days ago in four batches, one changed and one deleted since; the log is gone.
async fn absent(shop: &'static Shop) -> Stamp {
    shop.till("till-1").await;
    let then = days_ago(8);
    for batch in 0..4 {
        let records: Vec<Value> = (0..3).map(|i| write(&format!("p{batch}-{i}"), then)).collect();
        shop.push_at(&records, then.plus_secs(batch)).await;
    }
    let later = then.plus_secs(60);
    let deleted = with(write("p0-1", later), "is_deleted", true);
    let last = shop.push_at(&[write("p0-0", later), deleted], later).await.stamp;
    forget_log(shop, &shop.room("1"), |_| true).await;
    last
}

async fn a_log_that_has_expired_gives_a_snapshot_through_the_edge(shop: &'static Shop) {
    let last = absent(shop).await;
    let till = shop.till("till-2").await;
    let (mut cursor_text, mut pages) = (String::new(), Vec::new());
    loop {
        let reply = till.pull_raw(&format!("cursor={cursor_text}&limit=5")).await;
        let page: PullResponse = reply.ok().unwrap();
        // The first page finds out that the log is gone; the others read HEAD and the records.
        assert_eq!(reply.cost().requests, if pages.is_empty() { 3 } else { 2 });
        cursor_text = page.next_cursor.clone();
        pages.push(page);
        if !pages.last().unwrap().has_more {
            break;
        }
    }
    let ids: BTreeSet<_> = pages.iter().map(|page| page.snapshot_id.clone().unwrap()).collect();
    assert!(ids.len() == 1 && pages.iter().all(|page| page.mode == "snapshot" && page.stamp == last));
    let rows: Vec<_> = pages.iter().flat_map(|page| &page.changes).collect();
    assert_eq!(rows.len(), 12);
    for row in rows {
        let deleted = row.record_id == "p0-1";
        assert_eq!((row.is_deleted, row.branch_id.as_str()), (deleted, "1"));
        assert_eq!(serde_json::to_value(row.operation).unwrap(), if deleted { "delete" } else { "create" });
        assert_eq!(row.version, if row.record_id.as_str() < "p0-2" { 2 } else { 1 });
        assert!(row.data.as_str().contains("at"), "a tombstone has the last data too");
    }
    assert_eq!(cursor_text, cursor(last));
    let after = till.pull_raw(&format!("cursor={cursor_text}")).await;
    assert!(after.ok::<PullResponse>().unwrap().changes.is_empty());
    // Filtered, it is the same walk with shorter pages.
    let page: PullResponse = till.pull_raw("tables=customers").await.ok().unwrap();
    assert_eq!((page.changes.len(), page.mode.as_str(), page.stamp), (0, "snapshot", last));
}

async fn a_position_beyond_head_gives_a_snapshot(shop: &'static Shop) {
    let last = shop.till("till-1").await.push(&[product("p1", &json!({}))]).await.stamp;
    for query in [format!("cursor={}", cursor(last.plus(1))), format!("since={}", last.plus(1).0)] {
        let (status, body) = shop.pull_at(&query, week_later()).await;
        assert_eq!(
            (status, &body["mode"], &body["has_more"]),
            (200, &json!("snapshot"), &json!(false)),
            "{query}"
        );
        assert_eq!(body["changes"][0]["record_id"], "p1");
    }
    // A walk that began in a history that is gone begins anew.
    let walk = format!("s1.{}.{}.", last.plus(1).0, last.0);
    let (status, body) = shop.pull_at(&format!("cursor={walk}"), week_later()).await;
    assert_eq!((status, &body["stamp"]), (200, &json!(last.0)));
    assert_ne!(body["snapshot_id"], format!("{}-{}", last.plus(1).0, last.0));
}

async fn a_break_in_the_chain_gives_a_snapshot(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    for i in 0..4 {
        till.push(&[product(&format!("p{i}"), &json!({}))]).await;
    }
    forget_log(shop, &shop.room("1"), |i| i == 2).await;
    let mut holds = Holds::default();
    assert_eq!(holds.catch_up(shop, 100, week_later()).await, ["changes", "snapshot"]);
    assert_eq!(holds.live(), ["p0", "p1", "p2", "p3"]);
}

async fn a_young_gap_is_waited_for(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    let first = till.push(&[product("p1", &json!({}))]).await.stamp;
    let last = till.push(&[product("p2", &json!({}))]).await.stamp;
    forget_log(shop, &shop.room("1"), |_| true).await;
    // It cannot have expired: whatever hides it is no reason to begin anew.
    for position in [Stamp::ZERO, first] {
        let (status, body) = shop.pull_at(&format!("cursor={}", cursor(position)), last.time()).await;
        assert_eq!((status, &body["error"]["code"]), (503, &json!("unavailable")));
    }
    let settled = last.time().plus_secs(LOG_SETTLE_SECS);
    let (status, body) = shop.pull_at("", settled).await;
    assert_eq!((status, &body["mode"], &body["stamp"]), (200, &json!("snapshot"), &json!(last.0)));
}

async fn a_room_that_is_written_to_gives_a_snapshot_too(shop: &'static Shop) {
    let settled = absent(shop).await;
    let now = fleet::now();
    let last = shop.push_at(&[write("p0-0", now), write("new", now)], now).await.stamp;
    let mut holds = Holds::default();
    let first = holds.page(shop, 100, now).await;
    assert_eq!((first.stamp, first.has_more, first.mode.as_str()), (settled, true, "snapshot"));
    let tail = holds.page(shop, 100, now).await;
    assert_eq!((tail.stamp, tail.has_more, tail.mode.as_str()), (last, false, "changes"));
    assert_eq!(holds.live().len(), 12);
}

async fn a_walk_goes_on_at_any_page_after_any_write(shop: &'static Shop) {
    absent(shop).await;
    let mut holds = Holds::default();
    let mut now = fleet::now();
    for i in 0.. {
        let page = holds.page(shop, 3, now).await;
        if page.mode == "changes" {
            break;
        }
        // Days pass between the pages, and at every one something is written before and behind it.
        now = now.plus_secs(DAY_SECS);
        let deleted = with(write(&format!("p{i}-2"), now), "is_deleted", true);
        let records =
            [write("a", now), write(&format!("p3-{}", i % 3), now), write(&format!("z{i}"), now), deleted];
        shop.push_at(&records, now).await;
    }
    now = now.plus_secs(60);
    holds.catch_up(shop, 2, now).await;
    assert_eq!(holds.rows, fresh(shop, now).await.rows);
    assert!(holds.live().contains(&"z0") && !holds.live().contains(&"p0-2"));
}

async fn what_was_purged_is_swept(shop: &'static Shop) {
    absent(shop).await;
    // This till was there before and has pulled all of it, and a record that nobody else remembers.
    let mut holds = fresh(shop, fleet::now()).await;
    holds.rows.insert("purged".into(), (Stamp(1), false));
    let mut missed = holds.clone();
    missed.cursor = Some(cursor(Stamp(days_ago(30).0)));
    let now = fleet::now();
    shop.push_at(&[with(write("p1-1", now), "is_deleted", true)], now).await;
    forget_log(shop, &shop.room("1"), |_| true).await;
    forget_record(shop, &shop.room("1"), "p1-1").await;
    let later = now.plus_secs(TOMBSTONE_RETENTION_SECS);
    missed.catch_up(shop, 5, later).await;
    assert_eq!(missed.rows, fresh(shop, later).await.rows);
    assert!(!missed.live().contains(&"p1-1") && !missed.live().contains(&"purged"));
}

async fn a_till_that_was_away_for_long_cannot_resurrect(shop: &'static Shop) {
    shop.till("till-1").await;
    let then = days_ago(100);
    shop.push_at(&[write("gone", then)], then).await;
    shop.push_at(&[with(write("gone", then), "is_deleted", true)], then.plus_secs(60)).await;
    forget_log(shop, &shop.room("1"), |_| true).await;
    forget_record(shop, &shop.room("1"), "gone").await;
    // What it wrote a hundred days ago and could not send: a product that was deleted meanwhile, and a sale.
    let old = |id: &str, table: &str| with(write(id, then), "table_name", table);
    let records = [
        old("gone", "products"),
        with(old("gone", "products"), "base_version", 1),
        old("sold", "invoice_items"),
    ];
    let answer = shop.push_at(&records, fleet::now()).await;
    assert_eq!((answer.errors[0].index, answer.errors[0].code.as_str()), (0, "too_old"));
    assert_eq!((answer.conflicts[0].index, answer.conflicts[0].reason.as_str()), (1, "deleted_on_server"));
    assert_eq!((answer.applied.len(), answer.applied[0].index), (1, 2), "a sale is never too late");
    assert_eq!(fresh(shop, week_later()).await.live(), ["sold"]);
}
