//! Head office: all rooms of a client with one cursor.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::client::{Client, Shops, listed, of_client};
use super::follower::Follower;
use super::shop::{START, live, selection};
use crate::cursor::Location;
use crate::cursor::vector::{Others, Vector};
use crate::limits::LOG_SETTLE_SECS;
use crate::pull::head_office::{BranchRotation, check_branch_count};
use crate::pull::query::{ClientPull, ClientStart};
use crate::tests::cursor_keys;
use protocol::error::ErrorCode;
use protocol::ids::BranchId;
use protocol::limits::HEAD_OFFICE_BRANCHES_MAX;
use protocol::timestamp::Timestamp;
use protocol::wire::pull::PullResponse;

fn shops(sales: &[(usize, usize)]) -> Shops {
    let mut shops = Shops::new();
    for &(branch, size) in sales {
        let shop = shops.entry(branch.to_string().parse().unwrap()).or_default();
        (0..size).for_each(|id| shop.commit(&[id], false));
    }
    shops.values_mut().for_each(|shop| shop.wait(LOG_SETTLE_SECS + 1));
    shops
}

fn ask(shops: &Shops, cursor: Option<&str>, limit: usize) -> PullResponse {
    let keys = cursor_keys(&["a"]);
    let start = match cursor.map(|cursor| of_client(&keys).read(cursor).unwrap().place) {
        None => ClientStart::Vector(Vector::default()),
        Some(Location::Vector(vector)) => ClientStart::Vector(vector),
        Some(other) => panic!("{other:?} is no vector"),
    };
    answer(shops, start, limit)
}

fn answer(shops: &Shops, start: ClientStart, limit: usize) -> PullResponse {
    Client { shops: shops.clone(), ..Client::default() }.page(start, limit).response
}

/// Follows from `cursor` to the end; returns the branches served, the number of changes, and the last cursor.
fn follow(shops: &Shops, mut cursor: Option<String>, limit: usize) -> (Vec<String>, usize, String) {
    let (mut served, mut changes) = (Vec::new(), 0);
    loop {
        let answer = ask(shops, cursor.as_deref(), limit);
        served.extend(answer.branch_id);
        changes += answer.changes.len();
        if !answer.has_more {
            return (served, changes, answer.next_cursor);
        }
        cursor = Some(answer.next_cursor);
    }
}

#[test]
fn pages_rotate_over_the_branches() {
    let shops = shops(&[(1, 3), (2, 1), (3, 2)]);
    let (served, changes, cursor) = follow(&shops, None, 1);
    assert_eq!((served.len(), changes), (6, 6));
    assert_eq!(served[..3].iter().collect::<std::collections::BTreeSet<_>>().len(), 3, "{served:?}");
    let nothing = ask(&shops, Some(&cursor), 100);
    let latest = shops.values().map(|shop| shop.head.stamp).max().unwrap();
    assert_eq!((nothing.changes.len(), nothing.has_more, nothing.branch_id), (0, false, None));
    assert_eq!((nothing.next_cursor, nothing.stamp), (cursor, latest));
}

#[test]
fn the_tail_of_a_busy_branch_does_not_hold_up_the_others() {
    let mut shops = shops(&[(1, 3), (2, 3)]);
    let start = ClientStart::Vector(Vector { others: Others::Lost, ..Vector::default() });
    let mut page = answer(&shops, start, 1);
    let busy: BranchId = page.branch_id.clone().unwrap().parse().unwrap();
    let mut served = Vec::new();
    for _ in 0..40 {
        // Faster than head office reads.
        let shop = shops.get_mut(&busy).unwrap();
        (0..2).for_each(|_| shop.commit(&[0], false));
        page = ask(&shops, Some(&page.next_cursor), 1);
        served.extend(page.branch_id.clone());
    }
    assert!(served.iter().any(|branch| *branch != busy.as_str()), "{served:?}");
}

/// A branch with a damaged HEAD, and one whose page failed, are passed over; their positions stay.
#[test]
fn a_branch_that_cannot_be_read_does_not_hold_up_the_others() {
    let mut shops = shops(&[(1, 2), (2, 1), (3, 1)]);
    let (_, _, cursor) = follow(&shops, None, 100);
    shops.values_mut().for_each(|shop| shop.commit(&[7], false));
    shops.values_mut().for_each(|shop| shop.wait(LOG_SETTLE_SECS + 1));
    let keys = cursor_keys(&["a"]);
    for since_time in [false, true] {
        let start = match (since_time, of_client(&keys).read(&cursor).unwrap().place) {
            (true, _) => ClientStart::Time(START.plus_secs(30)),
            (false, Location::Vector(vector)) => ClientStart::Vector(vector),
            (false, other) => panic!("{other:?} is no vector"),
        };
        let pull = ClientPull { client: "1".parse().unwrap(), start, selection: selection(100) };
        let heads: Vec<_> = shops
            .iter()
            .map(|(id, shop)| (id.clone(), Some(shop.head.clone()).filter(|_| id.as_str() != "1")))
            .collect();
        let mut branches = BranchRotation::new(&pull, None, listed(&shops));
        assert_eq!(branches.unread().len(), 3);
        branches.read(heads);
        assert!(branches.unread().is_empty());
        let failing = branches.next(&pull).unwrap().0.room.branch;
        branches.pass(&failing);
        let served = branches.next(&pull).unwrap().0;
        assert!(served.room.branch != failing && served.room.branch.as_str() != "1");
        let page = shops[&served.room.branch].page(&served, (false, false)).unwrap();
        let answer = branches.clone().response(&served.room.branch, page, of_client(&keys)).response;
        assert!(!answer.has_more, "the others cannot be read now");
        // Later they can.
        let (later, changes, _) = follow(&shops, Some(answer.next_cursor), 100);
        assert_eq!((later.len(), changes), (2, 2));
        let passed = branches.passed_over(of_client(&keys)).response;
        assert!(passed.has_more && passed.changes.is_empty());
        assert_eq!(follow(&shops, Some(passed.next_cursor), 100).1, 3);
    }
}

#[test]
fn a_new_branch_joins_by_itself() {
    let mut shops = shops(&[(1, 2)]);
    let (_, _, cursor) = follow(&shops, None, 100);
    shops.extend(self::shops(&[(9, 4)]));
    let (served, changes, _) = follow(&shops, Some(cursor), 100);
    assert_eq!((served, changes), (vec!["9".to_owned()], 4));
}

#[test]
fn a_time_applies_to_every_room() {
    let mut shops = shops(&[(1, 2), (2, 2)]);
    shops.values_mut().for_each(|shop| shop.commit(&[5], false));
    let all = answer(&shops, ClientStart::Time(START), 100);
    assert_eq!(all.changes.len(), 2, "the first change of each is at that very time");
    let start = ClientStart::Time(START.plus_secs(30));
    let first = answer(&shops, start, 100);
    let (_, changes, _) = follow(&shops, Some(first.next_cursor), 100);
    assert_eq!((first.changes.len(), changes), (1, 1));
    // A future time means HEAD; commits before that time are still returned later.
    let to_come = answer(&shops, ClientStart::Time(Timestamp(START.0 * 2)), 100);
    assert_eq!((to_come.changes.len(), to_come.has_more), (0, false));
    shops.values_mut().for_each(|shop| shop.commit(&[6], false));
    assert_eq!(follow(&shops, Some(to_come.next_cursor), 100).1, 2);
}

#[test]
fn a_removed_branch_leaves_the_cursor() {
    let mut shops = shops(&[(1, 2), (2, 2)]);
    let (_, _, cursor) = follow(&shops, None, 100);
    shops.remove(&"2".parse().unwrap());
    let answer = ask(&shops, Some(&cursor), 100);
    assert!(!answer.has_more && answer.next_cursor.len() < cursor.len());
}

#[test]
fn a_vector_of_other_tables_begins_every_branch_with_a_snapshot() {
    let shops = shops(&[(1, 3), (2, 2)]);
    let keys = cursor_keys(&["a"]);
    let (_, _, cursor) = follow(&shops, None, 100);
    let Location::Vector(mut vector) = of_client(&keys).read(&cursor).unwrap().place else {
        panic!("no vector")
    };
    vector.reset();
    let mut answer = answer(&shops, ClientStart::Vector(vector), 2);
    let mut changes = Vec::new();
    loop {
        assert!(answer.branch_id.is_none() || answer.mode == "snapshot", "{answer:?}");
        changes.push((answer.branch_id.clone(), answer.changes.len()));
        if !answer.has_more {
            break;
        }
        answer = ask(&shops, Some(&answer.next_cursor), 2);
    }
    let of = |branch: &str| -> usize {
        changes.iter().filter(|(of, _)| of.as_deref() == Some(branch)).map(|(_, changes)| changes).sum()
    };
    assert_eq!((of("1"), of("2")), (3, 2));
}

#[test]
fn the_limit_of_branches_is_exact() {
    assert!(check_branch_count(HEAD_OFFICE_BRANCHES_MAX).is_ok());
    assert_eq!(
        check_branch_count(HEAD_OFFICE_BRANCHES_MAX + 1).unwrap_err().code,
        ErrorCode::TooManyBranches
    );
}

proptest! {
    /// Head office ends with the state of every branch, whatever each of them commits, expires and restores
    /// in between.
    #[test]
    fn following_all_is_following_each(
        events in prop::collection::vec((0..4_usize, 0..5_u8, 0..8_usize, any::<bool>()), 0..60),
    ) {
        let mut shops = Shops::new();
        let mut office: BTreeMap<String, Follower> = BTreeMap::new();
        let mut cursor: Option<String> = None;
        for (branch, what, which, flag) in events {
            let shop = shops.entry(branch.to_string().parse().unwrap()).or_default();
            match what {
                0 | 1 => shop.commit(&[which], flag),
                2 => {
                    shop.wait(30);
                    shop.expire(which);
                }
                3 => shop.restore(),
                _ => cursor = Some(page(&shops, &mut office, cursor.as_deref(), which + 1).next_cursor),
            }
            shops.values_mut().for_each(|shop| shop.wait(1));
        }
        shops.values_mut().for_each(|shop| shop.wait(LOG_SETTLE_SECS + 1));
        for _ in 0..2000 {
            let answer = page(&shops, &mut office, cursor.as_deref(), 3);
            cursor = Some(answer.next_cursor);
            if !answer.has_more {
                break;
            }
        }
        for (branch, shop) in &shops {
            let known = office.entry(branch.to_string()).or_default();
            prop_assert_eq!(known.live(), live(shop), "branch {}", branch);
        }
    }
}

/// One page, given to the follower of its branch; the end applies to all followers.
fn page(
    shops: &Shops,
    office: &mut BTreeMap<String, Follower>,
    cursor: Option<&str>,
    limit: usize,
) -> PullResponse {
    let answer = ask(shops, cursor, limit);
    if let Some(branch) = &answer.branch_id {
        let mine = PullResponse { has_more: true, ..answer.clone() };
        office.entry(branch.clone()).or_default().take(&mine);
    }
    if !answer.has_more {
        let end = PullResponse { changes: Vec::new(), snapshot_id: None, ..answer.clone() };
        office.values_mut().for_each(|follower| follower.take(&end));
    }
    answer
}
