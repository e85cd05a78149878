//! Snapshots that the caller asks for.

use super::follower::Follower;
use super::query::{at, cashier, head_office};
use super::shop::{Shop, live, pull};
use crate::cursor::vector::{BranchPosition, Tag};
use crate::cursor::walk::Walk;
use crate::cursor::{Location, Position, position_text};
use crate::limits::LOG_SETTLE_SECS;
use crate::pull::query::{ClientStart, Pull, RoomStart};
use crate::tests::{cursor_keys, of_room, rules};
use protocol::role::Role;
use protocol::stamp::Stamp;
use protocol::timestamp::Timestamp;
use protocol::wire::pull::SNAPSHOT;

/// Where a pull of `mode=snapshot` begins.
fn asked(pairs: &[(&str, &str)]) -> RoomStart {
    cashier(&[&[("mode", SNAPSHOT)], pairs].concat()).unwrap().start
}

#[test]
fn a_snapshot_begins_wherever_its_caller_stands_and_only_once() {
    assert_eq!(asked(&[]), RoomStart::Reset);
    for pair in [("since", "9"), ("since", "1970-01-01T00:00:01Z"), ("cursor", &*at(7)), ("cursor", "v1.7")] {
        assert_eq!(asked(&[pair]), RoomStart::Reset, "{pair:?}");
    }
    let (tables, keys) = (rules().tables.digest_of(Role::Cashier), cursor_keys(&["a"]));
    let walk = Walk { noted: Stamp(5), started: Timestamp(6), skipped: None, after: None };
    let text = of_room(&keys).walk_text(&walk, tables);
    assert_eq!(asked(&[("cursor", &text), ("since", "9")]), RoomStart::Walk(walk));
    let tail = Position { stamp: Stamp(5), through: Some(Stamp(8)) };
    assert_eq!(asked(&[("cursor", &position_text(tail, tables))]), RoomStart::Position(tail));
}

#[test]
fn head_office_asks_for_a_snapshot_of_every_branch_with_the_first_page() {
    let start = |pairs: &[(&str, &str)]| match head_office(pairs).unwrap() {
        Pull::Client(pull) => pull.start,
        Pull::Room(_) => panic!("not all rooms"),
    };
    let ClientStart::Vector(mut vector) = start(&[("mode", SNAPSHOT), ("since", "5")]) else {
        panic!("at a time")
    };
    let branch = Tag::of(&"7".parse().unwrap());
    vector.settle([branch].into_iter());
    assert_eq!(vector.positions.get(&branch), Some(&BranchPosition::Reset));
    let cursor = ("cursor", "v2.AHkCaZvkLAAAAAAAAAk");
    assert_eq!(start(&[("mode", SNAPSHOT), cursor]), start(&[cursor]), "a cursor continues");
}

/// A till that asks for a snapshot with each page, in a room that goes on, gets one snapshot and its end.
#[test]
fn asking_with_each_page_gives_one_snapshot() {
    let mut shop = Shop::default();
    for _ in 0..20 {
        (0..6).for_each(|id| shop.commit(&[id], false));
    }
    shop.wait(LOG_SETTLE_SECS + 1);
    let (mut till, keys) = (Follower::default(), cursor_keys(&["a"]));
    let (mut snapshots, mut walked, mut more) = (vec![], 0, true);
    for asks in 1.. {
        let cursor = till.cursor.as_deref().map(|text| of_room(&keys).read(text).unwrap().place);
        let start = match cursor {
            Some(Location::Walk(walk)) => RoomStart::Walk(walk),
            Some(Location::Position(tail)) if tail.through.is_some() => RoomStart::Position(tail),
            _ => RoomStart::Reset,
        };
        let pull = pull(start, 1);
        let page = shop.page(&pull, (false, false)).unwrap().response(&pull, of_room(&keys));
        walked += usize::from(page.snapshot_id.is_some()) * page.changes.len();
        snapshots.extend(page.snapshot_id.clone());
        till.take(&page);
        more = page.has_more;
        if !more || asks > 500 {
            break;
        }
        // Slower than the till reads, also while it reads the tail. The walk has passed this record already,
        // so nothing but HEAD shows that there is a tail.
        if asks % 3 == 0 {
            shop.commit(&[1], false);
            shop.wait(1);
        }
    }
    snapshots.dedup();
    assert_eq!((snapshots.len(), walked, more), (1, 6, false), "six records with twenty changes each");
    assert_eq!(till.live(), live(&shop));
}
