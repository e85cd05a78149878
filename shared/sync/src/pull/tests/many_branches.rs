//! Head office of many branches: what a pull reads, commits that the stream did not note, and checkpoints.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use proptest::prelude::*;

use super::client::{Client, Office};
use super::shop::{Shop, live};
use crate::limits::LOG_SETTLE_SECS;
use crate::pull::query::ClientStart;
use protocol::ids::BranchId;
use protocol::limits::BRANCHES_CHECKED;
use protocol::stamp::Stamp;
use protocol::timestamp::Timestamp;

pub(super) fn id(branch: usize) -> BranchId {
    branch.to_string().parse().unwrap()
}

/// Branches with one settled commit each, which the stream has noted.
pub(super) fn client(branches: usize) -> Client {
    let mut client = Client::default();
    let mut shop = Shop::default();
    for branch in 0..branches {
        shop.wait(1);
        let mut shop = shop.clone();
        shop.commit(&[1], false);
        shop.wait(LOG_SETTLE_SECS + 1);
        client.shops.insert(id(branch), shop);
        client.note(&id(branch));
    }
    client
}

/// A client and its head office, which has every change.
pub(super) fn followed(branches: usize) -> (Client, Office) {
    let (mut client, mut office) = (client(branches), Office::default());
    office.catch_up(&mut client, 100);
    (client, office)
}

/// The polls after which every branch was checked.
fn bound(branches: usize) -> usize {
    branches.div_ceil(BRANCHES_CHECKED)
}

/// Commits in a branch; the stream drops the note.
pub(super) fn commit(client: &mut Client, branch: usize) {
    let shop = client.shops.get_mut(&id(branch)).unwrap();
    shop.commit(&[2], false);
    shop.wait(LOG_SETTLE_SECS + 1);
}

pub(super) fn assert_equal(client: &Client, office: &Office) {
    for (branch, shop) in &client.shops {
        assert_eq!(office.branches[branch.as_str()].live(), live(shop), "branch {branch}");
    }
}

#[test]
fn a_poll_without_news_checks_ten_branches_in_rotation() {
    let (mut client, mut office) = followed(200);
    assert_equal(&client, &office);
    for _ in 0..2 {
        let mut checked = BTreeSet::new();
        for _ in 0..bound(200) {
            let answer = office.pull(&mut client, 100);
            assert_eq!(
                (answer.response.has_more, answer.response.changes.len(), answer.heads.len()),
                (false, 0, 10)
            );
            assert_eq!(answer.response.stamp, client.noted.values().copied().max().unwrap());
            checked.extend(answer.heads);
        }
        assert_eq!(checked.len(), 200, "each branch once");
    }
}

#[test]
fn with_few_branches_each_poll_reads_every_head_and_keeps_the_cursor() {
    let (mut client, mut office) = followed(BRANCHES_CHECKED);
    let cursor = office.cursor.clone();
    assert_eq!(office.pull(&mut client, 100).heads.len(), BRANCHES_CHECKED);
    assert_eq!(office.cursor, cursor);
    commit(&mut client, 3);
    assert_eq!(office.pull(&mut client, 100).response.branch_id.as_deref(), Some("3"));
}

#[test]
fn a_page_reads_the_heads_of_a_few_branches_with_news() {
    let (mut client, mut office) = followed(200);
    for branch in 0..200 {
        commit(&mut client, branch);
        client.note(&id(branch));
    }
    let mut served = BTreeSet::new();
    for _ in 0..200 {
        let answer = office.pull(&mut client, 100);
        assert!(answer.heads.len() <= 2 * BRANCHES_CHECKED, "{}", answer.heads.len());
        assert!(served.insert(answer.response.branch_id.unwrap()), "in rotation");
    }
    assert!(!office.pull(&mut client, 100).response.has_more);
    assert_equal(&client, &office);
}

#[test]
fn a_commit_without_a_note_is_found_within_the_bound() {
    for branch in [0, 7, 100, 199] {
        let (mut client, mut office) = followed(200);
        commit(&mut client, branch);
        let polls = (1..=bound(200)).find(|_| office.pull(&mut client, 100).response.branch_id.is_some());
        assert!(polls.is_some(), "{branch}");
        assert_equal(&client, &office);
        // Until the note comes, the branch costs one more HEAD. The next commit needs no note either.
        assert_eq!(office.pull(&mut client, 100).heads.len(), BRANCHES_CHECKED + 1);
        commit(&mut client, branch);
        assert!(office.pull(&mut client, 100).response.branch_id.is_some());
        client.note(&id(branch));
        let quiet = office.pull(&mut client, 100);
        assert_eq!((quiet.heads.len(), quiet.response.has_more), (BRANCHES_CHECKED, false));
    }
}

#[test]
fn busy_branches_hide_no_commit_without_a_note() {
    let (mut client, mut office) = followed(60);
    commit(&mut client, 30);
    for pull in 0.. {
        assert!(pull <= bound(60) + 3, "it is never served");
        for busy in [1, 2, 3] {
            commit(&mut client, busy);
            client.note(&id(busy));
        }
        if office.pull(&mut client, 1).response.branch_id.as_deref() == Some("30") {
            break;
        }
    }
}

#[test]
fn a_branch_without_a_note_is_read_each_time() {
    let (mut client, mut office) = followed(200);
    for branch in 0..40 {
        client.noted.remove(&id(branch));
    }
    assert_eq!(office.pull(&mut client, 100).heads.len(), 40 + BRANCHES_CHECKED);
    commit(&mut client, 20);
    assert_eq!(office.pull(&mut client, 100).response.branch_id.as_deref(), Some("20"));
}

#[test]
fn a_branch_without_commits_costs_nothing() {
    let (mut client, mut office) = followed(100);
    for branch in 100..200 {
        client.shops.insert(id(branch), Shop::default());
        client.noted.insert(id(branch), Stamp::ZERO);
    }
    for _ in 0..2 * bound(200) {
        let answer = office.pull(&mut client, 100);
        assert_eq!((answer.heads.len(), answer.response.has_more), (BRANCHES_CHECKED, false));
    }
    commit(&mut client, 150);
    client.note(&id(150));
    assert_eq!(office.pull(&mut client, 100).response.branch_id.as_deref(), Some("150"));
}

#[test]
fn a_start_from_a_time_reads_every_head_once() {
    let (mut client, _) = followed(150);
    let future = Timestamp(client.noted.values().map(|stamp| stamp.0).max().unwrap() * 2);
    let answer = client.page(ClientStart::Time(future), 100);
    assert_eq!((answer.heads.len(), answer.response.has_more), (150, false));
    // From then on, commits before that time count too.
    let mut office = Office { cursor: Some(answer.response.next_cursor), ..Office::default() };
    assert_eq!(office.pull(&mut client, 100).heads.len(), BRANCHES_CHECKED);
    commit(&mut client, 9);
    client.note(&id(9));
    let answer = office.pull(&mut client, 100);
    assert_eq!((answer.response.branch_id.as_deref(), answer.response.changes.len()), (Some("9"), 1));
}

#[test]
fn a_restore_is_found_by_the_note_or_within_the_bound() {
    for is_noted in [true, false] {
        let (mut client, mut office) = followed(100);
        let before = client.noted.clone();
        let shop = client.shops.get_mut(&id(50)).unwrap();
        shop.commit(&[2, 3], false);
        client.note(&id(50));
        assert_eq!(office.pull(&mut client, 100).response.changes.len(), 2);
        client.shops.get_mut(&id(50)).unwrap().restore();
        if is_noted {
            // The list of branches was put back too.
            client.noted = before;
        }
        let polls = if is_noted { 1 } else { bound(100) };
        let found =
            (0..polls).map(|_| office.pull(&mut client, 100).response).find(|page| page.branch_id.is_some());
        assert_eq!(found.map(|page| page.mode).as_deref(), Some("snapshot"), "noted: {is_noted}");
        office.catch_up(&mut client, 100);
        assert_equal(&client, &office);
    }
}

/// More branches than fit a cursor.
static FOLLOWED: LazyLock<(Client, Office)> = LazyLock::new(|| followed(210));

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Head office ends with the state of every branch, whatever each of them commits, expires and restores,
    /// whatever the stream drops, and if checkpoints are lost.
    #[test]
    fn following_many_is_following_each(
        events in prop::collection::vec((0..12_usize, 0..10_u8, 0..8_usize, any::<bool>()), 0..60),
    ) {
        let (mut client, mut office) = FOLLOWED.clone();
        for (branch, what, which, flag) in events {
            let shop = client.shops.get_mut(&id(branch)).unwrap();
            match what {
                0..=2 => shop.commit(&[which], flag),
                3 => {
                    shop.wait(30);
                    shop.expire(which);
                }
                // The note may be put back as well, or be of the history that was lost.
                4 => {
                    shop.restore();
                    if flag {
                        client.noted.insert(id(branch), shop.head.stamp);
                    }
                }
                5 | 6 => client.note(&id(branch)),
                7 if flag && which == 0 => client.checkpoints.clear(),
                _ => drop(office.pull(&mut client, which + 1)),
            }
            client.shops.values_mut().for_each(|shop| shop.wait(1));
        }
        client.shops.values_mut().for_each(|shop| shop.wait(LOG_SETTLE_SECS + 1));
        // One round of checks without news, in which none is noted.
        let mut quiet = 0;
        for _ in 0..3000 {
            let page = office.pull(&mut client, 3).response;
            quiet = if page.branch_id.is_none() && !page.has_more { quiet + 1 } else { 0 };
            if quiet > bound(210) {
                break;
            }
        }
        prop_assert!(quiet > bound(210), "it does not settle");
        for (branch, shop) in &client.shops {
            let known = office.branches.entry(branch.to_string()).or_default();
            prop_assert_eq!(known.live(), live(shop), "branch {}", branch);
        }
    }
}
