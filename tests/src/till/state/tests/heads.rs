//! Heads of the room, and frames of whole commits.

use super::*;
use protocol::wire::socket::SyncBatchFrame;

fn batch_frame(prev: u64, stamp: u64, rows: &[(&str, u64)]) -> SyncBatchFrame {
    let changes = page("changes", None, stamp, false, rows).changes;
    SyncBatchFrame { changes, prev: Stamp(prev), stamp: Stamp(stamp), room: "1:1".into() }
}

#[test]
fn a_head_beyond_the_position_is_pulled_for_once() {
    let mut state = pulled(5);
    assert!(!state.on_head(Stamp(4)) && !state.on_head(Stamp(5)));
    assert!(state.on_head(Stamp(9)));
    // A pull that fails settles nothing.
    state.pull_query();
    assert!(state.on_head(Stamp(9)));
    // Nor does one whose last page was asked for before the head was told.
    state.pull_query();
    assert!(state.on_head(Stamp(12)));
    state.take_page(&page("changes", None, 9, false, &[]));
    assert!(state.on_head(Stamp(12)));
    // The tables were put back: there is no 12 any more.
    state.pull_query();
    state.take_page(&page("changes", None, 9, false, &[]));
    assert!(!state.on_head(Stamp(12)));
    assert!(state.on_head(Stamp(13)));
}

#[test]
fn a_connection_to_a_known_head_needs_no_pull() {
    assert!(State::default().on_connected(Some(Stamp::ZERO)), "the till has never pulled");
    let mut state = pulled(5);
    assert!(!state.on_connected(Some(Stamp(5))) && !state.on_connected(Some(Stamp(3))));
    assert!(state.on_connected(None), "the room does not know");
    assert!(state.on_connected(Some(Stamp(6))));
    state.take_page(&page("snapshot", Some("s"), 9, true, &[("first", 4)]));
    assert!(state.on_connected(Some(Stamp(5))), "the snapshot is not complete");
    assert!(state.on_head(Stamp(9)));
}

#[test]
fn the_frame_of_a_commit_follows_the_rule_of_frames() {
    let mut state = pulled(5);
    let first = batch_frame(5, 8, &[("a", 6), ("b", 8)]);
    assert_eq!(state.on_batch_frame(&first), (Follow::Apply, vec![0, 1]));
    assert_eq!((held(&state), state.position), (vec![("a", 6), ("b", 8)], Stamp(8)));
    assert_eq!(state.on_batch_frame(&first), (Follow::Drop, vec![]));
    // A commit of which the role may read nothing.
    assert_eq!(state.on_batch_frame(&batch_frame(8, 9, &[])), (Follow::Apply, vec![]));
    assert_eq!(state.on_batch_frame(&batch_frame(10, 11, &[("c", 11)])), (Follow::Pull, vec![]));
    assert_eq!((held(&state).len(), state.position), (2, Stamp(9)));
}
