mod append_only;
mod authors;
mod base_stamps;
mod batches;
mod clocks;
mod deltas;
mod fields;
mod forgotten;
mod groups;
mod held_numbers;
mod late;
mod own_batches;
mod policies;
mod properties;
mod record_groups;
mod repairs;
mod spellings;
mod undated;

use serde_json::json;

use super::*;
use crate::tests::{push, rules};
use protocol::limits::CLOCK_AHEAD_MICROS_MAX;
use protocol::role::Role;
use protocol::wire::outcome::{ConflictReason, Flag};

const NOW: Timestamp = Timestamp(1_765_103_400_000_000);

/// A room: decides pushes one after the other and keeps their writes.
#[derive(Clone, Default)]
struct Room {
    snapshot: Snapshot,
    log: Vec<Change>,
}

impl Room {
    fn push_at(&mut self, now: Timestamp, device: &str, atomic: bool, records: &[serde_json::Value]) -> Plan {
        let body = json!({"device_id": device, "batch_id": "b", "atomic": atomic, "records": records});
        self.push_body(&rules(), now, &body)
    }

    fn push_body(&mut self, rules: &SyncRules, now: Timestamp, body: &serde_json::Value) -> Plan {
        self.decide(rules, now, &push(Role::Manager, body))
    }

    fn decide(&mut self, rules: &SyncRules, now: Timestamp, push: &Push) -> Plan {
        let plan = decide(rules, &self.snapshot, push, now);
        for put in &plan.puts {
            assert_eq!(put.expected, self.snapshot.records.get(&put.key).map(|record| record.version));
            self.snapshot.records.insert(put.key.clone(), put.record.clone());
        }
        assert_eq!(plan.prev, self.snapshot.stamp());
        if !plan.changes.is_empty() {
            self.snapshot.head = Some(plan.head.clone());
        }
        self.log.extend(plan.changes.clone());
        plan
    }

    fn push(&mut self, device: &str, records: &[serde_json::Value]) -> Plan {
        self.push_at(NOW, device, false, records)
    }

    fn one(&mut self, device: &str, record: serde_json::Value) -> Outcome {
        self.push(device, &[record]).outcomes.remove(0)
    }
}

/// A write of hall `p1` at this second.
fn write(name: &str, second: u32) -> serde_json::Value {
    json!({"table_name": "halls", "record_id": "p1", "data": {"name": name},
           "local_updated_at": format!("2025-12-07T10:00:{second:02}Z")})
}

fn with(mut record: serde_json::Value, name: &str, value: impl Into<serde_json::Value>) -> serde_json::Value {
    record[name] = value.into();
    record
}

fn based(record: serde_json::Value, base: u64) -> serde_json::Value {
    with(record, "base_version", base)
}

fn delete(second: u32) -> serde_json::Value {
    with(with(write("", second), "is_deleted", true), "data", json!(null))
}

fn version(outcome: &Outcome) -> u64 {
    match outcome {
        Outcome::Applied { version, .. } => *version,
        other => panic!("not applied: {other:?}"),
    }
}

/// The data of an applied write that differs from what was sent.
fn stored(outcome: &Outcome) -> &str {
    match outcome {
        Outcome::Applied { stored: Some(stored), .. } => stored.as_str(),
        other => panic!("not applied or as sent: {other:?}"),
    }
}

fn reason(outcome: &Outcome) -> ConflictReason {
    match outcome {
        Outcome::Conflict { reason, .. } => *reason,
        other => panic!("no conflict: {other:?}"),
    }
}

fn code(outcome: &Outcome) -> RejectionCode {
    match outcome {
        Outcome::Rejected(rejection) => rejection.code,
        other => panic!("not rejected: {other:?}"),
    }
}

/// The data of the room's only record.
fn data(room: &Room) -> &str {
    room.snapshot.records.values().next().unwrap().data.as_str()
}

#[test]
fn stamps_count_up_from_the_time_or_from_head() {
    let mut room = Room::default();
    let two = [write("A", 1), with(write("B", 1), "record_id", "p2")];
    let plan = room.push("till-1", &two);
    assert_eq!((plan.prev, plan.stamp()), (Stamp::ZERO, Stamp(NOW.0 + 1)));
    assert_eq!(
        plan.changes.iter().map(|change| change.stamp).collect::<Vec<_>>(),
        [Stamp(NOW.0), Stamp(NOW.0 + 1)]
    );
    // A function whose clock is twenty minutes behind continues after HEAD.
    let plan = room.push_at(Timestamp(NOW.0 - 1_200_000_000), "till-1", false, &[based(write("C", 2), 1)]);
    assert_eq!((plan.prev, plan.stamp()), (Stamp(NOW.0 + 1), Stamp(NOW.0 + 2)));
}

#[test]
fn a_current_base_wins_regardless_of_clocks() {
    let mut room = Room::default();
    assert_eq!(version(&room.one("till-1", based(write("A", 50), 0))), 1);
    assert_eq!(version(&room.one("till-2", based(write("B", 10), 1))), 2);
    let record = room.snapshot.records.values().next().unwrap();
    assert_eq!(record.modified_at, Timestamp(Timestamp::parse("2025-12-07T10:00:50Z").unwrap().0 + 1));
}

#[test]
fn a_stale_base_is_settled_by_time_and_device() {
    let mut room = Room::default();
    room.one("till-2", write("A", 10));
    room.one("till-2", based(write("B", 20), 1));
    let earlier = room.one("till-1", based(write("C", 15), 1));
    assert_eq!(reason(&earlier), ConflictReason::NewerOnServer);
    assert!(matches!(earlier, Outcome::Conflict { server: Some(Record { version: 2, .. }), .. }));
    assert_eq!(
        reason(&room.one("till-1", based(write("C", 20), 1))),
        ConflictReason::NewerOnServer,
        "till-1 < till-2"
    );
    assert_eq!(version(&room.one("till-3", based(write("C", 20), 1))), 3, "till-3 > till-2");
    assert_eq!(version(&room.one("till-1", based(write("D", 30), 1))), 4);
}

#[test]
fn a_version_that_the_server_never_had_is_a_conflict_under_every_policy() {
    for table in ["halls", "products", "payment_methods", "printers", "promotions"] {
        let mut room = Room::default();
        let record = |name: &str, second| with(write(name, second), "table_name", table);
        room.one("till-1", record("A", 1));
        room.one("till-1", based(record("B", 2), 1));
        for unknown in [based(record("C", 59), 99), with(based(record("", 59), 3), "is_deleted", true)] {
            let outcome = room.one("till-2", unknown);
            assert_eq!(reason(&outcome), ConflictReason::UnknownVersion, "{table}");
            let Outcome::Conflict { server: Some(server), .. } = outcome else { panic!() };
            assert_eq!((server.version, server.data.as_str()), (2, r#"{"name":"B"}"#));
        }
        assert_eq!(version(&room.one("till-2", based(record("C", 3), 2))), 3);
    }
}

#[test]
fn without_a_base_only_a_later_write_of_another_device_is_concurrent() {
    let mut room = Room::default();
    room.one("till-1", write("A", 20));
    assert_eq!(reason(&room.one("till-2", write("B", 10))), ConflictReason::NewerOnServer);
    assert_eq!(version(&room.one("till-1", write("C", 10))), 2, "a till whose clock was set back");
    assert_eq!(version(&room.one("till-2", write("D", 20))), 3);
}

#[test]
fn base_zero_creates_and_conflicts_with_anything_alive() {
    let mut room = Room::default();
    room.one("till-1", based(write("A", 10), 0));
    assert_eq!(reason(&room.one("till-2", based(write("B", 59), 0))), ConflictReason::AlreadyExists);
    assert_eq!(
        reason(&room.one("till-2", with(based(write("B", 1), 3), "record_id", "p9"))),
        ConflictReason::DeletedOnServer
    );
}

#[test]
fn only_a_write_that_knows_the_tombstone_replaces_it() {
    let mut room = Room::default();
    room.one("till-1", write("A", 10));
    assert_eq!(version(&room.one("till-1", based(delete(20), 1))), 2);
    let tombstone = room.snapshot.records.values().next().unwrap().clone();
    assert_eq!(
        (tombstone.deleted, tombstone.data.as_str()),
        (true, r#"{"name":"A"}"#),
        "the last data is kept"
    );
    for record in [write("B", 59), based(write("B", 59), 1)] {
        assert_eq!(reason(&room.one("till-2", record)), ConflictReason::DeletedOnServer);
    }
    assert_eq!(
        room.one("till-2", delete(59)),
        Outcome::AlreadyApplied { version: 2, stamp: tombstone.stamp, stored: None }
    );
    assert_eq!(version(&room.one("till-2", based(write("B", 1), 0))), 3);
    assert_eq!(room.log.last().unwrap().operation, Operation::Create);
    room.one("till-2", based(delete(30), 3));
    assert_eq!(version(&room.one("till-1", based(write("C", 1), 4))), 5);
}

#[test]
fn a_retry_is_already_applied_and_writes_nothing() {
    let records = [write("A", 10), based(write("A", 10), 0)];
    for record in records {
        let mut room = Room::default();
        let first = room.push("till-1", std::slice::from_ref(&record));
        let again = room.push("till-1", &[record]);
        assert_eq!(
            again.outcomes,
            [Outcome::AlreadyApplied { version: 1, stamp: first.stamp(), stored: None }]
        );
        assert!(again.puts.is_empty() && again.changes.is_empty());
        assert_eq!((again.checks.len(), again.prev), (1, again.stamp()));
    }
}

#[test]
fn a_retry_is_recognised_over_a_tombstone_and_after_a_clock_was_set_back() {
    let mut room = Room::default();
    room.one("till-1", write("A", 10));
    room.one("till-1", based(delete(20), 1));
    assert_eq!(version(&room.one("till-1", based(write("B", 30), 0))), 3);
    assert!(matches!(
        room.one("till-1", based(write("B", 30), 0)),
        Outcome::AlreadyApplied { version: 3, .. }
    ));
    assert_eq!(version(&room.one("till-1", write("C", 5))), 4);
    assert!(matches!(room.one("till-1", write("C", 5)), Outcome::AlreadyApplied { version: 4, .. }));
}
