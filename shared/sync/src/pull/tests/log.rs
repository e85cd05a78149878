//! Pages from the log.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::query::cashier;
use super::shop::{Shop, pull};
use crate::cursor::Position;
use crate::limits::{LOG_SETTLE_SECS, PULL_BYTES_MAX};
use crate::pull::log_page::LogPart;
use crate::pull::query::{RoomPull, RoomStart};
use crate::pull::{Next, Page, log_page};
use crate::tests::rules;
use protocol::error::{ApiError, ErrorCode};
use protocol::json::JsonText;
use protocol::stamp::Stamp;
use protocol::wire::publication::Publication;

/// A room whose commits have these numbers of changes and have settled.
fn shop(sizes: &[usize]) -> Shop {
    let mut shop = Shop::default();
    for &size in sizes {
        shop.commit(&(0..size).collect::<Vec<_>>(), false);
        shop.wait(LOG_SETTLE_SECS + 1);
    }
    shop
}

fn page_of(
    shop: &Shop,
    pull: &RoomPull,
    position: Stamp,
    log: &[Publication],
) -> Result<Option<Page>, ApiError> {
    let position = position.into();
    log_page::page(
        &rules().tables,
        &shop.head,
        pull,
        position,
        log.iter().cloned().map(|item| Ok(LogPart::Changes(item))),
        shop.now,
    )
}

#[test]
fn a_position_is_exact_and_exclusive() {
    let shop = shop(&[3]);
    let first = shop.log[0].first.0;
    for (since, expected) in [(0, 3), (first, 2), (first + 1, 1)] {
        let pull = cashier(&[("since", &since.to_string())]).unwrap();
        let page = shop.page(&pull, (false, false)).unwrap();
        assert_eq!((page.changes.len(), page.has_more), (expected, false));
    }
}

/// The page ends before it. Then it is as if the item had expired, once it has settled; until then, a
/// snapshot's tail would meet it again.
#[test]
fn a_damaged_item_ends_a_page_and_then_leads_to_a_snapshot() {
    let mut shop = shop(&[2, 2, 2]);
    shop.damaged_log.insert(shop.log[1].last());
    let (before, damaged) = (shop.log[0].last(), shop.log[1].last());
    let first = shop.page(&pull(RoomStart::Position(Position::default()), 100), (false, false)).unwrap();
    assert_eq!((first.changes.len(), first.stamp(), first.has_more), (2, before, true));
    for inside in [before, Stamp(damaged.0 - 1)] {
        let page = shop.page(&pull(RoomStart::Position(inside.into()), 100), (false, false)).unwrap();
        assert!(page.snapshot_id.is_some() && page.stamp() == shop.head.stamp);
    }
    let after = shop.page(&pull(RoomStart::Position(damaged.into()), 100), (false, false)).unwrap();
    assert_eq!((after.changes.len(), after.snapshot_id), (2, None), "the log goes on after it");
    shop.commit(&[0], false);
    shop.damaged_log.insert(shop.head.stamp);
    let young = pull(RoomStart::Position(shop.log[2].last().into()), 100);
    assert_eq!(shop.page(&young, (false, false)).unwrap_err().code, ErrorCode::Unavailable);
    shop.wait(LOG_SETTLE_SECS + 1);
    assert!(shop.page(&young, (false, false)).unwrap().snapshot_id.is_some());
}

#[test]
fn nothing_beyond_head_is_returned() {
    let mut shop = shop(&[2, 2]);
    shop.head.stamp = shop.log[0].last();
    let page = shop.page(&pull(RoomStart::Position(Position::default()), 100), (false, false)).unwrap();
    assert_eq!((page.changes.len(), page.stamp(), page.has_more), (2, shop.head.stamp, false));
}

#[test]
fn a_log_without_the_next_change_gives_no_page() {
    let shop = shop(&[2, 2, 2]);
    let all = pull(RoomStart::Position(Position::default()), 100);
    for log in [&shop.log[1..], &[]] {
        assert_eq!(page_of(&shop, &all, Stamp::ZERO, log), Ok(None));
    }
    // The changes before a gap are returned; the next page finds the gap.
    let holed = [shop.log[0].clone(), shop.log[2].clone()];
    let page = page_of(&shop, &all, Stamp::ZERO, &holed).unwrap().unwrap();
    assert_eq!((page.changes.len(), page.stamp(), page.has_more), (2, shop.log[0].last(), true));
    assert_eq!(page_of(&shop, &all, page.stamp(), &holed[1..]), Ok(None));
}

#[test]
fn a_commit_that_is_not_readable_yet_is_unavailable() {
    let mut shop = shop(&[2]);
    shop.commit(&[1], false);
    shop.commit(&[1], false);
    let (asked, position) = (pull(RoomStart::Position(Position::default()), 100), shop.log[0].last());
    // The last item is missing, or the one before it.
    for seen in [2, 3] {
        let error = page_of(&shop, &asked, position, &shop.log[seen..]).unwrap_err();
        assert_eq!(error.code, ErrorCode::Unavailable);
    }
    shop.wait(LOG_SETTLE_SECS + 1);
    for seen in [2, 3] {
        assert_eq!(page_of(&shop, &asked, position, &shop.log[seen..]), Ok(None));
    }
}

#[test]
fn a_stamp_that_no_change_has_is_from_another_history() {
    let shop = shop(&[2, 2, 2]);
    let page = |start: RoomStart, at: Stamp, log: &[Publication]| {
        page_of(&shop, &pull(start, 100), at, log).unwrap().map(|page| page.changes.len())
    };
    for at in [shop.log[1].first.0 - 1, shop.log[0].last().0 + 1].map(Stamp) {
        assert_eq!(page(RoomStart::Position(at.into()), at, &shop.log[1..]), None);
        assert_eq!(page(RoomStart::Time(at.time()), at, &shop.log[1..]), Some(4), "a time may be anywhere");
    }
    // Inside a commit, and at its end.
    let [first, last] = [shop.log[0].first, shop.log[0].last()];
    assert_eq!(page(RoomStart::Position(first.into()), first, &shop.log), Some(5));
    assert_eq!(page(RoomStart::Position(last.into()), last, &shop.log[1..]), Some(4));
    // A later item that does not follow the one before ends the page. The next page finds the break.
    let mut broken = shop.log.clone();
    broken[2].prev = Stamp(broken[1].last().0 - 1);
    assert_eq!(page(RoomStart::Position(first.into()), first, &broken), Some(3));
    let last = broken[1].last();
    assert_eq!(page(RoomStart::Position(last.into()), last, &broken[2..]), None);
}

#[test]
fn the_tail_of_a_snapshot_must_pass_through_what_its_walk_skipped() {
    let shop = shop(&[2, 2, 2]);
    let at = shop.log[0].last();
    let tail = |through: u64, limit: usize| {
        let position = Position { stamp: at, through: Some(Stamp(through)) };
        let page = shop.page(&pull(RoomStart::Position(position), limit), (false, false)).unwrap();
        (page.snapshot_id.is_some(), page.next)
    };
    let [middle, last] = [&shop.log[1], &shop.log[2]];
    for through in [middle.first, middle.last(), last.last()] {
        assert_eq!(tail(through.0, 100), (false, Next::Position(last.last().into())));
    }
    // A page that ends before HEAD hands the duty on, and the tail goes on until then.
    let rest = |through| Next::Position(Position { stamp: middle.first, through: Some(through) });
    assert_eq!(tail(last.first.0, 1), (false, rest(last.first)));
    assert_eq!(tail(middle.first.0, 1), (false, rest(last.last())));
    for through in [middle.first.0 - 1, last.first.0 - 1, last.last().0 + 1] {
        assert!(tail(through, 100).0, "no change has the stamp {through}");
    }
    // A restore took the noted change away. A page that ends before its place hands the duty on.
    let gone = Stamp(last.first.0 - 1);
    assert_eq!(tail(gone.0, 1), (false, rest(gone)));
    let resumed = Position { stamp: middle.first, through: Some(gone) };
    let page = shop.page(&pull(RoomStart::Position(resumed), 100), (false, false)).unwrap();
    assert!(page.snapshot_id.is_some(), "the walk's records are not complete");
}

#[test]
fn an_unknown_table_is_unavailable_and_never_passed_over() {
    let mut shop = shop(&[2, 3]);
    shop.log[1].changes[1].table_name = "of_a_newer_server".into();
    let mut all = pull(RoomStart::Position(Position::default()), 100);
    let first = shop.page(&all, (false, false)).unwrap();
    assert_eq!((first.stamp(), first.has_more), (shop.log[1].first, true), "the page ends before it");
    let Next::Position(position) = first.next else { panic!("a walk without need") };
    all.start = RoomStart::Position(position);
    assert_eq!(shop.page(&all, (false, false)).unwrap_err().code, ErrorCode::Unavailable);
    // Not where other tables were asked for.
    all.selection.all = false;
    let page = shop.page(&all, (false, false)).unwrap();
    assert_eq!((page.changes.len(), page.stamp()), (1, shop.head.stamp));
}

#[test]
fn a_page_ends_when_it_has_two_mebibytes() {
    let mut shop = shop(&[50]);
    for change in &mut shop.log[0].changes {
        change.data = JsonText::from_text(format!("\"{}\"", "x".repeat(65_534))).unwrap();
    }
    let page = shop.page(&pull(RoomStart::Position(Position::default()), 100), (false, false)).unwrap();
    assert_eq!((page.changes.len(), page.has_more), (PULL_BYTES_MAX / 65_536, true));
}

proptest! {
    #[test]
    fn pages_of_any_size_add_up_to_the_whole_log(
        sizes in prop::collection::vec(1..50_usize, 0..12),
        limit in 1..120_usize,
        filtered in any::<bool>(),
    ) {
        let shop = shop(&sizes);
        let mut asked = pull(RoomStart::Position(Position::default()), limit);
        if filtered {
            asked.selection.tables = BTreeSet::from(["customers".to_owned()]);
        }
        let mut found = Vec::new();
        loop {
            let page = shop.page(&asked, (false, false)).unwrap();
            prop_assert!(page.changes.len() <= limit);
            prop_assert_eq!(page.has_more, page.stamp() < shop.head.stamp);
            found.extend(page.changes.into_iter().map(|change| change.stamp));
            let Next::Position(position) = page.next else { panic!("a walk without need") };
            if !page.has_more {
                break;
            }
            asked.start = RoomStart::Position(position);
        }
        let changes = shop.log.iter().flat_map(|item| (0..item.changes.len()).map(move |i| (i, item.first.plus(i))));
        let expected: Vec<Stamp> =
            changes.filter(|(i, _)| !filtered || i % 2 == 1).map(|(_, stamp)| stamp).collect();
        prop_assert_eq!(found, expected);
    }
}
