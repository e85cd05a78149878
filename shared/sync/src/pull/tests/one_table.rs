//! A till that pulls one table has what the room has of it, whatever happens.

use proptest::prelude::*;

use super::follower::Follower;
use super::shop::{Shop, key, live};

/// The table of even ids.
const PRODUCTS: &str = "products";

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
