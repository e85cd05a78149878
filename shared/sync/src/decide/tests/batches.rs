//! Batches of several writes.

use super::*;
use crate::decide::commit::RecordWrites;
use crate::limits::COMMIT_BYTES_MAX;

#[test]
fn a_record_that_occurs_twice_is_decided_in_order_and_written_once() {
    let mut room = Room::default();
    let plan =
        room.push("till-1", &[based(write("A", 1), 0), based(write("B", 2), 1), based(write("C", 3), 1)]);
    assert_eq!(version(&plan.outcomes[0]), 1);
    assert_eq!(version(&plan.outcomes[1]), 2);
    assert_eq!(version(&plan.outcomes[2]), 3, "a stale base, but the later time");
    assert_eq!((plan.puts.len(), plan.changes.len()), (1, 3));
    assert_eq!(plan.puts[0].expected, None);
    assert_eq!(plan.head.live["halls"], 1);
}

/// The write waits in the dead letters, and the rest of the batch goes on.
#[test]
fn a_write_to_a_damaged_record_is_kept_and_replaces_nothing() {
    let mut room = Room::default();
    room.one("till-1", write("A", 10));
    let (key, _) = room.snapshot.records.pop_first().unwrap();
    room.snapshot.damaged.insert(key.clone());
    let plan = room.push("till-1", &[based(write("B", 11), 1), with(write("C", 11), "record_id", "p2")]);
    let Outcome::Rejected(rejection) = &plan.outcomes[0] else { panic!("not rejected") };
    assert_eq!((rejection.code.as_str(), plan.dead.len()), ("record_corrupt", 1));
    assert_eq!((plan.puts.len(), plan.puts[0].key.id.as_str()), (1, "p2"));
    // It must still be damaged when the batch is committed.
    let checks: Vec<_> = plan.checks.iter().map(|check| (&check.key, check.expected)).collect();
    assert_eq!(checks, [(&key, Expected::Damaged)]);
    assert!(room.push_at(NOW, "till-1", true, &[write("D", 12)]).puts.is_empty());
}

#[test]
fn only_named_fields_change() {
    let mut room = Room::default();
    room.one("till-1", with(write("A", 1), "data", json!({"name": "A", "price": 1})));
    let change = with(based(with(write("", 2), "data", json!({"price": 2})), 1), "fields", json!(["price"]));
    assert_eq!(stored(&room.one("till-2", change)), r#"{"name":"A","price":2}"#);
}

#[test]
fn atomic_is_all_or_nothing() {
    let mut room = Room::default();
    room.one("till-1", write("A", 10));
    let fails = [with(write("B", 11), "record_id", "p2"), based(write("C", 11), 0)];
    let plan = room.push_at(NOW, "till-2", true, &fails);
    assert!(plan.puts.is_empty() && plan.changes.is_empty() && plan.prev == plan.stamp());
    let plan = room.push_at(
        NOW,
        "till-2",
        true,
        &[with(write("B", 11), "record_id", "p2"), based(write("C", 11), 1)],
    );
    assert_eq!(plan.puts.len(), 2);
}

#[test]
fn an_atomic_batch_that_is_undone_shows_the_servers_copies_and_not_its_own_steps() {
    let mut room = Room::default();
    room.one("till-1", write("A", 10));
    let plan = room.push_at(NOW, "till-2", true, &[based(write("B", 11), 1), based(write("C", 12), 0)]);
    let Outcome::Conflict { server: Some(server), .. } = &plan.outcomes[1] else { panic!("no conflict") };
    assert_eq!((server.version, server.data.as_str()), (1, r#"{"name":"A"}"#));
}

#[test]
fn two_offline_edits_from_one_version_are_both_applied() {
    let mut room = Room::default();
    room.one("till-2", write("A", 50));
    let plan = room.push("till-1", &[based(write("B", 10), 1), based(write("C", 20), 1)]);
    assert_eq!(plan.outcomes.iter().map(version).collect::<Vec<_>>(), [2, 3]);
    assert_eq!(data(&room), r#"{"name":"C"}"#);
}

#[test]
fn a_merge_cannot_grow_a_record_beyond_its_limit() {
    let mut room = Room::default();
    room.one("till-1", with(write("A", 1), "data", json!({"a": "x".repeat(40_000)})));
    let more =
        with(based(with(write("", 2), "data", json!({"b": "y".repeat(40_000)})), 1), "fields", json!(["b"]));
    assert_eq!(code(&room.one("till-1", more)), RejectionCode::RecordTooLarge);
}

#[test]
fn the_size_of_a_commit_is_what_it_writes() {
    let mut room = Room::default();
    room.one("till-1", with(write("A", 1), "data", json!({"a": "x".repeat(40_000)})));
    let plan = room.push("till-1", &[based(delete(2), 1)]);
    let bytes = commit::bytes(&RecordWrites::of([&plan]), &[&plan]);
    assert!((80_001..=COMMIT_BYTES_MAX).contains(&bytes), "{bytes}");
}
