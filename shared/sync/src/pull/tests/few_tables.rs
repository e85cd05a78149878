//! Pulls of few tables, which pass over the log of the others.

use proptest::prelude::*;

use super::follower::Follower;
use super::shop::{Shop, key, live, pull};
use crate::cursor::Position;
use crate::limits::LOG_SETTLE_SECS;
use crate::pull::Next;
use crate::pull::plan::{ReadPlan, plan};
use crate::pull::query::{RoomPull, RoomStart};
use crate::tests::rules;
use protocol::stamp::Stamp;
use protocol::timestamp::Timestamp;

/// The table of even ids.
const PRODUCTS: &str = "products";

fn of_products(start: RoomStart) -> RoomPull {
    let mut pull = pull(start, 100);
    pull.selection.tables = [PRODUCTS.to_owned()].into();
    pull.selection.all = false;
    pull
}

fn at(stamp: Stamp) -> RoomPull {
    of_products(RoomStart::Position(stamp.into()))
}

/// A product, and then `others` commits of customers.
fn quiet(others: usize) -> Shop {
    let mut shop = Shop::default();
    shop.commit(&[2], false);
    (0..others).for_each(|i| shop.commit(&[2 * i + 1], false));
    shop.wait(LOG_SETTLE_SECS + 1);
    shop
}

fn planned(shop: &Shop, pull: &RoomPull) -> ReadPlan {
    plan(&rules().tables, &shop.head, pull).unwrap()
}

#[test]
fn a_quiet_table_needs_one_item_of_the_log() {
    let shop = quiet(50);
    let since = shop.log[5].last();
    assert_eq!(planned(&shop, &at(since)), ReadPlan::Log { position: since.into(), items: 1 });
    let page = shop.page(&at(since), (false, false)).unwrap();
    assert_eq!((page.changes.len(), page.has_more), (0, false));
    assert_eq!(page.next, Next::Position(shop.head.stamp.into()));
    // A time needs no proof that it is of this history.
    let time = of_products(RoomStart::Time(Timestamp(since.0 + 1)));
    assert_eq!(planned(&shop, &time), ReadPlan::Nothing);
    // From before its last change, the page ends with the item of that change and leads to HEAD.
    let page = shop.page(&at(Stamp::ZERO), (false, false)).unwrap();
    assert_eq!((page.changes.len(), page.has_more, page.stamp()), (1, false, shop.head.stamp));
    // All tables together are not quiet.
    let all = pull(RoomStart::Position(since.into()), 100);
    assert_eq!(shop.page(&all, (false, false)).unwrap().changes.len(), 45);
}

#[test]
fn the_position_of_a_lost_history_is_found_in_a_quiet_table_too() {
    let mut shop = quiet(3);
    shop.commit(&[4], false);
    let lost = shop.head.stamp;
    shop.restore();
    shop.commit(&[1], false);
    assert!(shop.head.stamp > lost);
    shop.wait(LOG_SETTLE_SECS + 1);
    let page = shop.page(&at(lost), (false, false)).unwrap();
    assert!(page.snapshot_id.is_some(), "the till has a product that the room has lost");
}

#[test]
fn a_release_that_writes_no_stamps_is_not_passed_over() {
    let mut shop = quiet(3);
    let since = shop.head.stamp;
    shop.is_before = true;
    shop.commit(&[6], false);
    assert_eq!(shop.page(&at(since), (false, false)).unwrap().changes.len(), 1);
    shop.is_before = false;
    shop.commit(&[1], false);
    assert_eq!(shop.page(&at(since), (false, false)).unwrap().changes.len(), 1);
}

#[test]
fn the_tail_of_a_snapshot_reads_the_log_of_every_table() {
    let mut shop = quiet(3);
    shop.commit(&[1], false);
    let tail = Position { stamp: shop.log[1].last(), through: Some(shop.head.stamp) };
    let plan = planned(&shop, &of_products(RoomStart::Position(tail)));
    assert!(matches!(plan, ReadPlan::Log { items: 100, .. }), "{plan:?}");
}

#[derive(Clone, Debug)]
enum Event {
    /// Ids, whether they are deleted, and whether the release before commits.
    Commit(Vec<usize>, bool, bool),
    Wait(u64),
    Expire(usize),
    Restore,
    Page(usize, (bool, bool)),
}

fn event() -> impl Strategy<Value = Event> {
    let commit = (
        prop::collection::btree_set(0..12_usize, 1..3),
        prop::bool::weighted(0.3),
        prop::bool::weighted(0.2),
    );
    prop_oneof![
        6 => commit.prop_map(|(ids, deleted, before)| Event::Commit(ids.into_iter().collect(), deleted, before)),
        2 => (0..30_u64).prop_map(Event::Wait),
        1 => (0..4_usize).prop_map(Event::Expire),
        1 => Just(Event::Restore),
        5 => (1..8_usize, any::<(bool, bool)>()).prop_map(|(limit, torn)| Event::Page(limit, torn)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    /// A till that pulls one table has what the room has of it, also after commits of a release that does not
    /// know of stamps, and after restores.
    #[test]
    fn following_one_table_is_a_fresh_state(events in prop::collection::vec(event(), 0..60)) {
        let mut shop = Shop::default();
        let mut till = Follower { only: Some(PRODUCTS), ..Follower::default() };
        for event in events {
            match event {
                Event::Commit(ids, deleted, is_before) => {
                    shop.is_before = is_before;
                    shop.commit(&ids, deleted);
                    shop.wait(1);
                }
                Event::Wait(secs) => shop.wait(secs),
                Event::Expire(items) => shop.expire(items),
                Event::Restore => shop.restore(),
                Event::Page(limit, torn) => drop(till.follow(&mut shop, limit, torn)),
            }
        }
        till.catch_up(&mut shop, &[3]);
        let mut expected = live(&shop);
        expected.retain(|(table, _), _| *table == key(0).table);
        prop_assert_eq!(till.live(), expected);
    }
}
