//! Snapshots: the walk and the log after it give the current state, whatever happens in between.

use proptest::prelude::*;

use super::follower::Follower;
use super::shop::{Shop, key, live, pull};
use crate::cursor::Position;
use crate::cursor::walk::Walk;
use crate::limits::{LOG_SETTLE_SECS, PULL_BYTES_MAX};
use crate::pull::query::{RoomPull, RoomStart};
use crate::pull::walk_page::Rows;
use crate::pull::{Next, walk_page};
use crate::record::Record;
use crate::tables::Tables;
use crate::tests::{cursor_keys, of_room};
use protocol::error::ErrorCode;
use protocol::json::JsonText;
use protocol::record::{Operation, RecordKey};
use protocol::stamp::Stamp;
use protocol::timestamp::DAY_SECS;
use protocol::wire::pull::SNAPSHOT;

/// A room with ten records, of whose log only the last item has not expired.
fn absent() -> Shop {
    let mut shop = Shop::default();
    (0..10).for_each(|id| shop.commit(&[id], false));
    shop.wait(LOG_SETTLE_SECS + 1);
    shop.expire(9);
    shop
}

#[test]
fn a_walk_has_every_record_and_ends_at_the_noted_position() {
    let shop = absent();
    let first = shop.page(&pull(RoomStart::Position(Position::default()), 4), (false, false)).unwrap();
    let Next::Walk(walk) = first.next.clone() else { panic!("no walk") };
    assert_eq!((walk.noted, first.stamp(), first.has_more), (shop.head.stamp, shop.head.stamp, true));
    assert_eq!(walk.after.as_ref().map(|key| key.id.as_str()), Some("r7"), "customers come first");
    let keys = cursor_keys(&["a"]);
    let answer = first.clone().response(&pull(RoomStart::Position(Position::default()), 4), of_room(&keys));
    assert_eq!((&*answer.mode, answer.snapshot_id), (SNAPSHOT, Some(walk.snapshot_id())));
    let last = shop.page(&pull(RoomStart::Walk(walk), 100), (false, false)).unwrap();
    assert_eq!(last.next, Next::Position(shop.head.stamp.into()));
    assert_eq!((last.changes.len() + first.changes.len(), last.has_more), (10, false));
    assert_eq!(last.snapshot_id, first.snapshot_id);
    assert!(
        last.changes.iter().all(|change| change.operation == Operation::Create && change.branch_id == "2")
    );
}

#[test]
fn writes_during_a_walk_come_from_the_log() {
    let mut shop = absent();
    let first = shop.page(&pull(RoomStart::Position(Position::default()), 4), (false, false)).unwrap();
    let Next::Walk(walk) = first.next else { panic!("no walk") };
    let noted = walk.noted;
    shop.commit(&[2, 20], false);
    let noted = Position { stamp: noted, through: Some(shop.head.stamp) };
    let rest = shop.page(&pull(RoomStart::Walk(walk), 100), (false, false)).unwrap();
    assert!(rest.changes.iter().all(|change| change.record_id != "r2" && change.record_id != "r20"));
    assert_eq!((&rest.next, rest.has_more), (&Next::Position(noted), true));
    let tail = shop.page(&pull(RoomStart::Position(noted), 100), (false, false)).unwrap();
    assert_eq!((tail.changes.len(), tail.snapshot_id, tail.has_more), (2, None, false));
}

#[test]
fn a_walk_from_another_history_restarts() {
    let mut shop = absent();
    shop.commit(&[1], false);
    let first =
        shop.page(&pull(RoomStart::Position(shop.head.stamp.plus(1).into()), 4), (false, false)).unwrap();
    shop.wait(LOG_SETTLE_SECS + 1);
    let second =
        shop.page(&pull(RoomStart::Position(shop.head.stamp.plus(1).into()), 4), (false, false)).unwrap();
    assert_ne!(first.snapshot_id, second.snapshot_id);
    let Next::Walk(mut walk) = second.next else { panic!("no walk") };
    walk.noted = shop.head.stamp.plus(1);
    let third = shop.page(&pull(RoomStart::Walk(walk), 4), (false, false)).unwrap();
    assert_eq!((third.stamp(), third.changes.len()), (shop.head.stamp, 4));
}

#[test]
fn unsettled_commits_come_from_the_log() {
    let mut shop = absent();
    let settled = shop.head.stamp;
    shop.commit(&[1, 30], false);
    let young = shop.page(&pull(RoomStart::Position(Position::default()), 100), (false, true)).unwrap();
    assert_eq!((young.stamp(), young.has_more), (settled, true));
    // Their log item is not readable either.
    let error = shop.page(&pull(RoomStart::Position(Position::default()), 100), (true, true)).unwrap_err();
    assert_eq!(error.code, protocol::error::ErrorCode::Unavailable);
    shop.wait(LOG_SETTLE_SECS + 1);
    let old = shop.page(&pull(RoomStart::Position(Position::default()), 100), (false, false)).unwrap();
    assert_eq!((old.stamp(), old.has_more, old.changes.len()), (shop.head.stamp, false, 11));
}

/// The server cannot say what is in it, so the till's copy may be the last one.
#[test]
fn a_damaged_record_is_named_and_a_till_keeps_its_copy() {
    let mut shop = absent();
    let mut till = Follower::default();
    till.catch_up(&mut shop, &[3]);
    shop.damaged_records.extend([key(2), key(3)]);
    till.cursor = Some("v1.1".to_owned());
    till.catch_up(&mut shop, &[1]);
    assert_eq!(till.live(), live(&shop));
    let mut fresh = Follower::default();
    fresh.catch_up(&mut shop, &[4]);
    assert_eq!(fresh.live().len(), 8);
    let mut only = pull(RoomStart::Position(Position::default()), 100);
    only.selection.tables = ["products".to_owned()].into();
    let page = shop.page(&only, (false, false)).unwrap();
    let named: Vec<_> = page.damaged.iter().map(|name| name.record_id.as_str()).collect();
    assert_eq!(named, ["r2"], "of the tables that are asked for");
}

#[test]
fn a_room_restored_to_nothing_is_an_empty_snapshot() {
    let shop = Shop::default();
    let page = shop.page(&pull(RoomStart::Position(Stamp(5000).into()), 100), (false, false)).unwrap();
    assert!(page.snapshot_id.is_some() && page.changes.is_empty() && !page.has_more);
    assert_eq!(page.next, Next::Position(Position::default()));
}

#[test]
fn a_page_of_a_walk_ends_when_it_has_two_mebibytes() {
    let mut shop = absent();
    (10..60).for_each(|id| shop.commit(&[id], false));
    shop.wait(LOG_SETTLE_SECS + 1);
    shop.expire(60);
    for record in shop.records.values_mut() {
        record.data = JsonText::from_text(format!("\"{}\"", "x".repeat(65_534))).unwrap();
    }
    let page = shop.page(&pull(RoomStart::Position(Position::default()), 100), (false, false)).unwrap();
    assert_eq!((page.changes.len(), page.has_more), (PULL_BYTES_MAX / 65_536, true));
    let Next::Walk(walk) = page.next else { panic!("no walk") };
    let rest = shop.page(&pull(RoomStart::Walk(walk), 100), (false, false)).unwrap();
    assert_eq!(rest.changes.len(), 60 - PULL_BYTES_MAX / 65_536);
}

#[test]
fn a_walk_reads_only_the_tables_asked_for() {
    let shop = absent();
    let mut wanted = pull(RoomStart::Position(Position::default()), 6);
    wanted.selection.tables = ["products".to_owned()].into();
    wanted.selection.all = false;
    let first = shop.page(&wanted, (false, false)).unwrap();
    assert_eq!((first.changes.len(), first.has_more), (5, false), "the customers were not read");
}

#[test]
fn a_walk_leaves_out_what_is_outside_its_window() {
    let mut shop = absent();
    shop.wait(2 * DAY_SECS);
    shop.commit(&[0, 1], false);
    shop.wait(LOG_SETTLE_SECS + 1);
    shop.records.get_mut(&key(2)).unwrap().deleted = true;
    let windowed = "[customers]\npolicy = \"manual\"\n[products]\npolicy = \"manual\"\nwindow_days = 1\n";
    let tables = Tables::parse(windowed).unwrap();
    let page = |pull: &RoomPull| {
        let rows = shop.records.clone().into_iter().map(|(key, record)| (key, Some(record))).collect();
        // The window reaches back from the beginning of the walk, however long the walk takes.
        let walk = Walk { noted: shop.head.stamp, started: shop.now, skipped: None, after: None };
        let page = walk_page::page(&tables, &shop.head, pull, walk, Rows { rows, more: false }).unwrap();
        page.changes.into_iter().map(|change| change.record_id).collect::<Vec<_>>()
    };
    let mut all = pull(RoomStart::Position(Position::default()), 100);
    assert_eq!(page(&all), ["r1", "r3", "r5", "r7", "r9", "r0"]);
    all.selection.whole.insert("products".to_owned());
    assert_eq!(page(&all).len(), 10);
}

#[test]
fn a_record_of_an_unknown_table_is_unavailable_and_never_passed_over() {
    let mut shop = absent();
    // Between the two known tables.
    let strange = RecordKey { table: "of_a_newer_server".into(), id: "r1".into() };
    let record = shop.records.values().next().unwrap().clone();
    shop.records.insert(strange, record);
    let all = pull(RoomStart::Position(Position::default()), 100);
    let some = |(key, record): (RecordKey, Record)| (key, Some(record));
    let rows = shop.records.clone().into_iter().map(some).collect();
    let walk = Walk { noted: shop.head.stamp, started: shop.now, skipped: None, after: None };
    let tables = Tables::built_in().unwrap();
    let first = walk_page::page(&tables, &shop.head, &all, walk, Rows { rows, more: false }).unwrap();
    assert_eq!((first.changes.len(), first.has_more), (5, true), "the page ends before it");
    let Next::Walk(walk) = first.next else { panic!("no walk") };
    let rest = || shop.records.clone().into_iter().filter(|(key, _)| Some(key) > walk.after.as_ref());
    let page = |pull: &RoomPull| {
        let rows = Rows { rows: rest().map(some).collect(), more: false };
        walk_page::page(&tables, &shop.head, pull, walk.clone(), rows)
    };
    assert_eq!(page(&all).unwrap_err().code, ErrorCode::Unavailable);
    let mut others = all;
    others.selection.all = false;
    assert_eq!(page(&others).unwrap().changes.len(), 5, "other tables were asked for");
}

#[test]
fn a_restore_during_a_walk_begins_another_one() {
    // The walk leaves r8 to the log, because it was changed after the noted position. A restore takes the
    // change back, and the room goes on.
    let mut shop = absent();
    let first = shop.page(&pull(RoomStart::Position(Position::default()), 4), (false, false)).unwrap();
    shop.commit(&[8], false);
    let Next::Walk(walk) = first.next else { panic!("no walk") };
    let rest = shop.page(&pull(RoomStart::Walk(walk), 100), (false, false)).unwrap();
    assert!(rest.changes.iter().all(|change| change.record_id != "r8"));
    let Next::Position(tail) = rest.next else { panic!("no tail") };
    shop.restore();
    let page = |shop: &Shop| shop.page(&pull(RoomStart::Position(tail), 100), (false, false)).unwrap();
    assert!(page(&shop).snapshot_id.is_some(), "HEAD is before what the walk skipped");
    shop.commit(&[3], false);
    shop.wait(LOG_SETTLE_SECS + 1);
    let again = page(&shop);
    assert!(again.snapshot_id.is_some() && again.snapshot_id != rest.snapshot_id);
    assert!(again.changes.iter().any(|change| change.record_id == "r8"));
}

/// What happens in a room while a till pulls.
#[derive(Clone, Debug)]
enum Event {
    Commit(Vec<usize>, bool),
    Wait(u64),
    Expire(usize),
    Restore,
    /// Damages a log item, counted from the latest.
    Damage(usize),
    Page(usize, (bool, bool)),
}

fn event() -> impl Strategy<Value = Event> {
    let commit = (prop::collection::btree_set(0..12_usize, 1..4), prop::bool::weighted(0.3));
    prop_oneof![
        4 => commit.prop_map(|(ids, deleted)| Event::Commit(ids.into_iter().collect(), deleted)),
        2 => (0..30_u64).prop_map(Event::Wait),
        2 => (0..6_usize).prop_map(Event::Expire),
        1 => Just(Event::Restore),
        1 => (0..6_usize).prop_map(Event::Damage),
        5 => (1..8_usize, any::<(bool, bool)>()).prop_map(|(limit, torn)| Event::Page(limit, torn)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    /// Following from any cursor gives the same state as a fresh pull, for any writes, expirations, restores,
    /// damaged log items, delays and page sizes.
    #[test]
    fn following_is_a_fresh_state(events in prop::collection::vec(event(), 0..60), limits in prop::collection::vec(1..20_usize, 1..4)) {
        let (mut shop, mut till) = (Shop::default(), Follower::default());
        for event in events {
            match event {
                Event::Commit(ids, deleted) => {
                    shop.commit(&ids, deleted);
                    shop.wait(1);
                }
                Event::Wait(secs) => shop.wait(secs),
                Event::Expire(items) => shop.expire(items),
                Event::Restore => shop.restore(),
                Event::Damage(from_end) => {
                    let damaged = shop.log.iter().rev().nth(from_end).map(|item| item.last());
                    shop.damaged_log.extend(damaged);
                }
                Event::Page(limit, torn) => drop(till.follow(&mut shop, limit, torn)),
            }
        }
        till.catch_up(&mut shop, &limits);
        prop_assert_eq!(till.live(), live(&shop));
        let mut fresh = Follower::default();
        fresh.catch_up(&mut shop, &[1000]);
        prop_assert_eq!(fresh.live(), live(&shop));
    }
}
