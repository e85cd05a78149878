//! Pulls of few tables, which pass over the log of the others.

use super::shop::{Shop, pull};
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
