//! Head office of more branches than fit a cursor.

use std::collections::BTreeSet;

use super::client::Office;
use super::many_branches::{assert_equal, client, commit, followed, id};
use super::shop::Shop;
use crate::cursor::vector::Vector;
use crate::limits::{CURSOR_BYTES_MAX, CURSOR_CHANGES_MAX};
use crate::pull::query::ClientStart;
use protocol::limits::BRANCHES_CHECKED;

#[test]
fn a_thousand_branches_are_followed_with_short_cursors_and_few_checkpoints() {
    let (mut client, mut office) = (client(1000), Office::default());
    let (mut stored, mut pages, mut longest) = (0, 0, 0);
    loop {
        let mut again = Office { cursor: office.cursor.clone(), ..Office::default() };
        let answer = office.pull(&mut client, 100);
        if pages % 100 == 0 || answer.stores {
            again.pull(&mut client, 100);
            assert_eq!(again.cursor, office.cursor, "a page that is asked for again has the same cursor");
        }
        stored += usize::from(answer.stores);
        pages += 1;
        longest = longest.max(office.cursor.as_ref().unwrap().len());
        if !answer.response.has_more {
            break;
        }
        if pages == 500 {
            // A branch joins in the middle.
            client.shops.insert(id(5000), Shop::default());
            commit(&mut client, 5000);
        }
    }
    assert_equal(&client, &office);
    assert_eq!(pages, 1001);
    assert!(longest <= CURSOR_BYTES_MAX, "{longest}");
    assert!(stored <= 1000 / (CURSOR_CHANGES_MAX - 1) + 1 && client.checkpoints.len() == stored, "{stored}");
    let answer = office.pull(&mut client, 100);
    assert!(!answer.stores && answer.heads.len() <= BRANCHES_CHECKED + 1);
}

#[test]
fn a_lost_checkpoint_is_a_snapshot_of_every_branch() {
    let (mut client, mut office) = followed(300);
    client.checkpoints.clear();
    let mut snapshots = BTreeSet::new();
    loop {
        let page = office.pull(&mut client, 100).response;
        if page.mode == "snapshot" {
            snapshots.extend(page.branch_id);
        }
        if !page.has_more {
            break;
        }
    }
    // The cursor named the other branches itself.
    assert!(snapshots.len() >= 100, "{}", snapshots.len());
    assert_equal(&client, &office);
}

#[test]
fn a_list_that_shrinks_to_few_branches_leaves_a_small_cursor() {
    let (mut client, mut office) = followed(300);
    client.shops.retain(|branch, _| branch.as_str().len() == 1);
    office.pull(&mut client, 100);
    let fresh = client.page(ClientStart::Vector(Vector::default()), 100).response.next_cursor;
    assert!(office.cursor.unwrap().starts_with("h1.") && fresh.starts_with("h1."));
}
