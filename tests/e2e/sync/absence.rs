//! Snapshots, for tills that return after the log has expired or after the server was restored from a backup.

use std::collections::{BTreeSet, HashMap};

use aws_sdk_dynamodb::types::AttributeValue;
use functions::sync::keys;
use protocol::ids::Room;
use protocol::json::JsonText;
use protocol::record::RecordKey;
use protocol::role::Role;
use protocol::stamp::Stamp;
use protocol::timestamp::{DAY_SECS, Timestamp};
use protocol::wire::pull::PullResponse;
use serde_json::{Value, json};
use sync::limits::{LOG_RETENTION_SECS, LOG_SETTLE_SECS, TOMBSTONE_RETENTION_SECS};
use tests::fleet;
use tests::till::rows::Row;
use tests::till::state::State;

use crate::invariants;
use crate::shop::{Shop, before_now, cursor_of, product, with};

trials! {
    shared:
    an_expired_log_is_replaced_by_a_snapshot,
    a_cursor_beyond_head_gets_a_snapshot,
    a_gap_in_the_log_gets_a_snapshot,
    a_recent_gap_answers_503_until_it_settles,
    a_snapshot_of_a_busy_room_ends_with_changes,
    a_snapshot_continues_while_the_room_is_written_to,
    a_snapshot_removes_purged_records,
    a_long_offline_till_cannot_restore_deleted_records,
}

pub(crate) fn days_ago(days: u64) -> Timestamp {
    before_now(days * DAY_SECS)
}

pub(crate) fn week_later() -> Timestamp {
    fleet::now().plus_secs(LOG_RETENTION_SECS + 1)
}

/// A write of a product at the time `at`.
fn write(id: &str, at: Timestamp) -> Value {
    with(product(id, &json!({ "at": at.0 })), "local_updated_at", at.to_string())
}

/// Deletes an item, as DynamoDB does after its `ttl`.
pub(crate) async fn expire(shop: &Shop, pk: String, sk: String) {
    shop.mark_history_partial();
    let key = [("pk", pk), ("sk", sk)].map(|(name, value)| (name.to_owned(), AttributeValue::S(value)));
    let request = shop.world.dynamo.delete_item().table_name(&shop.world.table);
    request.set_key(Some(HashMap::from(key))).send().await.unwrap();
}

/// Deletes the log items whose index `which` selects. Index 0 is the oldest item.
pub(crate) async fn expire_log(shop: &Shop, room: &Room, which: impl Fn(usize) -> bool) {
    let items = invariants::partition(&shop.world.dynamo, &shop.world.table, keys::log(room)).await;
    for (_, item) in items.iter().enumerate().filter(|(i, _)| which(*i)) {
        expire(shop, keys::log(room), item["sk"].as_s().unwrap().clone()).await;
    }
}

/// Deletes a record, as DynamoDB deletes a tombstone after 90 days.
pub(crate) async fn expire_record(shop: &Shop, room: &Room, id: &str) {
    let key = RecordKey { table: "products".into(), id: id.into() };
    expire(shop, keys::room(room), keys::record(&key)).await;
}

/// Pulls and applies the next page at the time `now`.
async fn pull(till: &mut State, shop: &Shop, limit: usize, now: Timestamp) -> PullResponse {
    let query = format!("{}&limit={limit}", till.pull_query());
    let page: PullResponse = shop.pull_at(&query, now).await.ok().unwrap();
    assert_eq!(page.snapshot_id.is_some(), page.mode == "snapshot");
    till.take_page(&page);
    page
}

/// Pulls until there are no more pages. Returns their modes.
async fn catch_up(till: &mut State, shop: &Shop, limit: usize, now: Timestamp) -> Vec<String> {
    let mut modes = Vec::new();
    loop {
        let page = pull(till, shop, limit, now).await;
        modes.push(page.mode);
        if !page.has_more {
            return modes;
        }
    }
}

/// A till that has pulled everything at the time `now`.
pub(crate) async fn caught_up(shop: &Shop, now: Timestamp) -> State {
    let mut till = State::default();
    catch_up(&mut till, shop, 1000, now).await;
    till
}

/// The ids of the live rows, sorted.
pub(crate) fn live(till: &State) -> Vec<&str> {
    till.rows.iter().filter(|(_, row)| !row.deleted).map(|((_, id), _)| id.as_str()).collect()
}

/// Pushes twelve products in four batches of eight days ago, then one update and one deletion, and deletes
/// the log. Returns the last stamp.
async fn push_and_expire_log(shop: &'static Shop) -> Stamp {
    shop.till("till-1").await;
    let then = days_ago(8);
    for batch in 0..4 {
        let records: Vec<Value> = (0..3).map(|i| write(&format!("p{batch}-{i}"), then)).collect();
        shop.push_at(&records, then.plus_secs(batch)).await;
    }
    let later = then.plus_secs(60);
    let deleted = with(write("p0-1", later), "is_deleted", true);
    let last = shop.push_at(&[write("p0-0", later), deleted], later).await.stamp;
    expire_log(shop, &shop.room("1"), |_| true).await;
    last
}

async fn an_expired_log_is_replaced_by_a_snapshot(shop: &'static Shop) {
    let last = push_and_expire_log(shop).await;
    let till = shop.till("till-2").await;
    let (mut cursor_text, mut pages, mut read_tenths) = (String::new(), Vec::new(), Vec::new());
    loop {
        let reply = till.pull_raw(&format!("cursor={cursor_text}&limit=5")).await;
        let page: PullResponse = reply.ok().unwrap();
        // A page reads HEAD and the ranges of tables that it needs: the first one is empty, the second has
        // the rows, the third is empty. The first page also reads the log and finds it expired.
        let expected = if pages.is_empty() { 4 } else { 2 + u64::from(!page.has_more) };
        assert_eq!(reply.cost().requests, expected);
        read_tenths.push(reply.cost().read_tenths);
        cursor_text = page.next_cursor.clone();
        pages.push(page);
        if !pages.last().unwrap().has_more {
            break;
        }
    }
    // A unit for HEAD and one for the empty log; each Query of records takes half a unit.
    assert_eq!(read_tenths, [30, 15, 20]);
    let ids: BTreeSet<_> = pages.iter().map(|page| page.snapshot_id.clone().unwrap()).collect();
    assert!(ids.len() == 1 && pages.iter().all(|page| page.mode == "snapshot" && page.stamp == last));
    let rows: Vec<_> = pages.iter().flat_map(|page| &page.changes).collect();
    assert_eq!(rows.len(), 12);
    for row in rows {
        let deleted = row.record_id == "p0-1";
        assert_eq!((row.is_deleted, row.branch_id.as_str()), (deleted, "1"));
        assert_eq!(serde_json::to_value(row.operation).unwrap(), if deleted { "delete" } else { "create" });
        assert_eq!(row.version, if row.record_id.as_str() < "p0-2" { 2 } else { 1 });
        assert!(row.data.as_str().contains("at"), "a tombstone keeps the last data");
    }
    assert_eq!(cursor_text, cursor_of(Role::Cashier, last));
    let after = till.pull_raw(&format!("cursor={cursor_text}")).await;
    assert!(after.ok::<PullResponse>().unwrap().changes.is_empty());
    // A table filter shortens the pages of the same snapshot.
    let page: PullResponse = till.pull_raw("tables=customers").await.ok().unwrap();
    assert_eq!((page.changes.len(), page.mode.as_str(), page.stamp), (0, "snapshot", last));
}

async fn a_cursor_beyond_head_gets_a_snapshot(shop: &'static Shop) {
    let last = shop.till("till-1").await.push(&[product("p1", &json!({}))]).await.stamp;
    for query in
        [format!("cursor={}", cursor_of(Role::Cashier, last.plus(1))), format!("since={}", last.plus(1).0)]
    {
        let page: PullResponse = shop.pull_at(&query, week_later()).await.ok().unwrap();
        assert_eq!((page.mode.as_str(), page.has_more), ("snapshot", false), "{query}");
        assert_eq!(page.changes[0].record_id, "p1");
    }
    // A snapshot of a history that no longer exists starts again.
    let snapshot = format!("s1.{}.{}.", last.plus(1).0, last.0);
    let page: PullResponse = shop.pull_at(&format!("cursor={snapshot}"), week_later()).await.ok().unwrap();
    assert_eq!(page.stamp, last);
    assert_ne!(page.snapshot_id, Some(format!("{}-{}", last.plus(1).0, last.0)));
}

async fn a_gap_in_the_log_gets_a_snapshot(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    for i in 0..4 {
        till.push(&[product(&format!("p{i}"), &json!({}))]).await;
    }
    expire_log(shop, &shop.room("1"), |i| i == 2).await;
    let mut follower = State::default();
    assert_eq!(catch_up(&mut follower, shop, 100, week_later()).await, ["changes", "snapshot"]);
    assert_eq!(live(&follower), ["p0", "p1", "p2", "p3"]);
}

async fn a_recent_gap_answers_503_until_it_settles(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    let first = till.push(&[product("p1", &json!({}))]).await.stamp;
    let last = till.push(&[product("p2", &json!({}))]).await.stamp;
    expire_log(shop, &shop.room("1"), |_| true).await;
    // The log is too young to have expired, so its absence does not start a snapshot.
    for position in [Stamp::ZERO, first] {
        let reply =
            shop.pull_at(&format!("cursor={}", cursor_of(Role::Cashier, position)), last.time()).await;
        assert_eq!((reply.status.as_u16(), reply.code().as_deref()), (503, Some("unavailable")));
    }
    let settled = last.time().plus_secs(LOG_SETTLE_SECS);
    let page: PullResponse = shop.pull_at("", settled).await.ok().unwrap();
    assert_eq!((page.mode.as_str(), page.stamp), ("snapshot", last));
}

async fn a_snapshot_of_a_busy_room_ends_with_changes(shop: &'static Shop) {
    let settled = push_and_expire_log(shop).await;
    let now = fleet::now();
    let last = shop.push_at(&[write("p0-0", now), write("new", now)], now).await.stamp;
    let mut follower = State::default();
    let first = pull(&mut follower, shop, 100, now).await;
    assert_eq!((first.stamp, first.has_more, first.mode.as_str()), (settled, true, "snapshot"));
    let tail = pull(&mut follower, shop, 100, now).await;
    assert_eq!((tail.stamp, tail.has_more, tail.mode.as_str()), (last, false, "changes"));
    assert_eq!(live(&follower).len(), 12);
}

async fn a_snapshot_continues_while_the_room_is_written_to(shop: &'static Shop) {
    push_and_expire_log(shop).await;
    let mut follower = State::default();
    let mut now = fleet::now();
    for i in 0.. {
        let page = pull(&mut follower, shop, 3, now).await;
        if page.mode == "changes" {
            break;
        }
        // A day passes between pages, and each time records before and after the page are written.
        now = now.plus_secs(DAY_SECS);
        let deleted = with(write(&format!("p{i}-2"), now), "is_deleted", true);
        let records =
            [write("a", now), write(&format!("p3-{}", i % 3), now), write(&format!("z{i}"), now), deleted];
        shop.push_at(&records, now).await;
    }
    now = now.plus_secs(60);
    catch_up(&mut follower, shop, 2, now).await;
    assert_eq!(follower.rows, caught_up(shop, now).await.rows);
    assert!(live(&follower).contains(&"z0") && !live(&follower).contains(&"p0-2"));
}

async fn a_snapshot_removes_purged_records(shop: &'static Shop) {
    push_and_expire_log(shop).await;
    // This till has pulled everything, and holds a record that the server has purged.
    let mut follower = caught_up(shop, fleet::now()).await;
    follower.rows.set(
        "products",
        "purged",
        Row { data: JsonText::null(), version: 1, stamp: Stamp(1), deleted: false },
    );
    let mut missed = follower.clone();
    let now = fleet::now();
    shop.push_at(&[with(write("p1-1", now), "is_deleted", true)], now).await;
    expire_log(shop, &shop.room("1"), |_| true).await;
    expire_record(shop, &shop.room("1"), "p1-1").await;
    let later = now.plus_secs(TOMBSTONE_RETENTION_SECS);
    catch_up(&mut missed, shop, 5, later).await;
    assert_eq!(missed.rows, caught_up(shop, later).await.rows);
    assert!(!live(&missed).contains(&"p1-1") && !live(&missed).contains(&"purged"));
}

async fn a_long_offline_till_cannot_restore_deleted_records(shop: &'static Shop) {
    shop.till("till-1").await;
    let then = days_ago(100);
    shop.push_at(&[write("gone", then)], then).await;
    shop.push_at(&[with(write("gone", then), "is_deleted", true)], then.plus_secs(60)).await;
    expire_log(shop, &shop.room("1"), |_| true).await;
    expire_record(shop, &shop.room("1"), "gone").await;
    // Unsent writes of a hundred days ago: a product that was deleted meanwhile, and a sale.
    let old = |id: &str, table: &str| with(write(id, then), "table_name", table);
    let records = [
        old("gone", "products"),
        with(old("gone", "products"), "base_version", 1),
        old("sold", "invoice_items"),
    ];
    let response = shop.push_at(&records, fleet::now()).await;
    assert_eq!((response.errors[0].index, response.errors[0].code.as_str()), (0, "too_old"));
    let conflict = &response.conflicts[0];
    assert_eq!((conflict.index, conflict.reason.as_str()), (1, "deleted_on_server"));
    assert_eq!((response.applied.len(), response.applied[0].index), (1, 2), "a sale is never too late");
    assert_eq!(live(&caught_up(shop, week_later()).await), ["sold"]);
}
