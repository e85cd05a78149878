use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::sync::marker::Marker;

const NOW: Micros = Micros(1_765_103_400_000_000);

/// A room as a test sees it: decides pushes one after the other and keeps what they write.
#[derive(Default)]
struct Room {
    snapshot: Snapshot,
    log: Vec<Change>,
}

impl Room {
    fn push_at(&mut self, now: Micros, device: &str, atomic: bool, records: &[serde_json::Value]) -> Plan {
        let tables = Tables::built_in().unwrap();
        let body = json!({"device_id": device, "atomic": atomic, "records": records}).to_string();
        let push = Push::parse(&tables, body.as_bytes()).unwrap();
        let plan = decide(&tables, &self.snapshot, &push, now);
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

/// A write of product `p1` with this name, at a second of the day.
fn write(name: &str, second: u32) -> serde_json::Value {
    json!({"table_name": "products", "record_id": "p1", "data": {"name": name},
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

fn reason(outcome: &Outcome) -> Reason {
    match outcome {
        Outcome::Conflict { reason, .. } => *reason,
        other => panic!("no conflict: {other:?}"),
    }
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
    // A function whose clock is twenty minutes behind goes on after HEAD.
    let plan = room.push_at(Micros(NOW.0 - 1_200_000_000), "till-1", false, &[based(write("C", 2), 1)]);
    assert_eq!((plan.prev, plan.stamp()), (Stamp(NOW.0 + 1), Stamp(NOW.0 + 2)));
}

#[test]
fn a_current_base_wins_whatever_the_clocks_say() {
    let mut room = Room::default();
    assert_eq!(version(&room.one("till-1", based(write("A", 50), 0))), 1);
    assert_eq!(version(&room.one("till-2", based(write("B", 10), 1))), 2);
    let record = room.snapshot.records.values().next().unwrap();
    assert_eq!(record.modified_at, Micros(Micros::parse("2025-12-07T10:00:50Z").unwrap().0 + 1));
}

#[test]
fn a_stale_base_is_settled_by_time_and_device() {
    let mut room = Room::default();
    room.one("till-2", write("A", 10));
    room.one("till-2", based(write("B", 20), 1));
    let earlier = room.one("till-1", based(write("C", 15), 1));
    assert_eq!(reason(&earlier), Reason::NewerOnServer);
    assert!(matches!(earlier, Outcome::Conflict { server: Some(Record { version: 2, .. }), .. }));
    assert_eq!(
        reason(&room.one("till-1", based(write("C", 20), 1))),
        Reason::NewerOnServer,
        "till-1 < till-2"
    );
    assert_eq!(version(&room.one("till-3", based(write("C", 20), 1))), 3, "till-3 > till-2");
    assert_eq!(version(&room.one("till-1", based(write("D", 30), 1))), 4);
}

#[test]
fn without_a_base_only_a_later_write_of_another_device_is_concurrent() {
    let mut room = Room::default();
    room.one("till-1", write("A", 20));
    assert_eq!(reason(&room.one("till-2", write("B", 10))), Reason::NewerOnServer);
    assert_eq!(version(&room.one("till-1", write("C", 10))), 2, "a till whose clock was set back");
    assert_eq!(version(&room.one("till-2", write("D", 20))), 3);
}

#[test]
fn base_zero_creates_and_conflicts_with_anything_alive() {
    let mut room = Room::default();
    room.one("till-1", based(write("A", 10), 0));
    assert_eq!(reason(&room.one("till-2", based(write("B", 59), 0))), Reason::AlreadyExists);
    assert_eq!(
        reason(&room.one("till-2", with(based(write("B", 1), 3), "record_id", "p9"))),
        Reason::DeletedOnServer
    );
}

#[test]
fn a_tombstone_gives_way_only_to_a_write_that_knows_it() {
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
        assert_eq!(reason(&room.one("till-2", record)), Reason::DeletedOnServer);
    }
    assert_eq!(room.one("till-2", delete(59)), Outcome::Held { version: 2, stamp: tombstone.stamp });
    assert_eq!(version(&room.one("till-2", based(write("B", 1), 0))), 3);
    assert_eq!(room.log.last().unwrap().operation, Operation::Create);
    room.one("till-2", based(delete(30), 3));
    assert_eq!(version(&room.one("till-1", based(write("C", 1), 4))), 5);
}

#[test]
fn a_replay_is_applied_and_writes_nothing() {
    let records = [write("A", 10), based(write("A", 10), 0)];
    for record in records {
        let mut room = Room::default();
        let first = room.push("till-1", std::slice::from_ref(&record));
        let again = room.push("till-1", &[record]);
        assert_eq!(again.outcomes, [Outcome::Held { version: 1, stamp: first.stamp() }]);
        assert!(again.puts.is_empty() && again.changes.is_empty());
        assert_eq!((again.checks.len(), again.prev), (1, again.stamp()));
    }
}

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
    assert_eq!(plan.head.live["products"], 1);
}

#[test]
fn only_named_fields_change() {
    let mut room = Room::default();
    room.one("till-1", with(write("A", 1), "data", json!({"name": "A", "price": 1})));
    let change = with(based(with(write("", 2), "data", json!({"price": 2})), 1), "fields", json!(["price"]));
    let Outcome::Applied { stored: Some(stored), .. } = room.one("till-2", change) else {
        panic!("not merged")
    };
    assert_eq!(stored.as_str(), r#"{"name":"A","price":2}"#);
}

#[test]
fn a_clock_over_five_minutes_ahead_is_told_the_time() {
    let mut room = Room::default();
    let at = |micros| with(write("A", 1), "local_updated_at", Micros(micros).to_string());
    let Outcome::Rejected(rejection) = room.one("till-1", at(NOW.0 + CLOCK_AHEAD_MICROS_MAX + 1)) else {
        panic!()
    };
    assert_eq!(rejection.code, RejectCode::ClockAhead);
    assert!(rejection.message.contains(&NOW.to_string()), "{}", rejection.message);
    assert_eq!(version(&room.one("till-1", at(NOW.0 + CLOCK_AHEAD_MICROS_MAX))), 1);
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
fn two_edits_made_offline_from_one_version_both_count() {
    let mut room = Room::default();
    room.one("till-2", write("A", 50));
    let plan = room.push("till-1", &[based(write("B", 10), 1), based(write("C", 20), 1)]);
    assert_eq!(plan.outcomes.iter().map(version).collect::<Vec<_>>(), [2, 3]);
    assert_eq!(room.snapshot.records.values().next().unwrap().data.as_str(), r#"{"name":"C"}"#);
}

#[test]
fn a_replay_over_a_tombstone_or_after_a_clock_was_set_back_is_still_one() {
    let mut room = Room::default();
    room.one("till-1", write("A", 10));
    room.one("till-1", based(delete(20), 1));
    assert_eq!(version(&room.one("till-1", based(write("B", 30), 0))), 3);
    assert!(matches!(room.one("till-1", based(write("B", 30), 0)), Outcome::Held { version: 3, .. }));
    assert_eq!(version(&room.one("till-1", write("C", 5))), 4);
    assert!(matches!(room.one("till-1", write("C", 5)), Outcome::Held { version: 4, .. }));
}

#[test]
fn a_merge_cannot_grow_a_record_beyond_its_limit() {
    let mut room = Room::default();
    room.one("till-1", with(write("A", 1), "data", json!({"a": "x".repeat(40_000)})));
    let more =
        with(based(with(write("", 2), "data", json!({"b": "y".repeat(40_000)})), 1), "fields", json!(["b"]));
    let Outcome::Rejected(rejection) = room.one("till-1", more) else { panic!("not rejected") };
    assert_eq!(rejection.code, RejectCode::RecordTooLarge);
}

#[test]
fn a_commit_counts_what_it_writes_and_not_what_was_sent() {
    let mut room = Room::default();
    room.one("till-1", with(write("A", 1), "data", json!({"a": "x".repeat(40_000)})));
    let plan = room.push("till-1", &[based(delete(2), 1)]);
    assert!(plan.bytes() > 80_000, "{}", plan.bytes());
}

fn any_record() -> impl Strategy<Value = serde_json::Value> {
    (0..3_u8, 0..4_u8, 0..6_u32, prop::option::of(0..4_u64), any::<bool>()).prop_map(
        |(id, name, second, base, deleted)| {
            let mut record = with(write(&format!("n{name}"), second), "record_id", format!("p{id}"));
            record["is_deleted"] = deleted.into();
            if let Some(base) = base {
                record["base_version"] = base.into();
            }
            record
        },
    )
}

proptest! {
    #[test]
    fn the_log_replayed_is_what_is_stored_and_head_counts_it(
        pushes in prop::collection::vec((0..3_u8, any::<bool>(), prop::collection::vec(any_record(), 0..6)), 0..12),
    ) {
        let mut room = Room::default();
        for (device, atomic, records) in pushes {
            let before = room.snapshot.stamp();
            let plan = room.push_at(NOW, &format!("till-{device}"), atomic, &records);
            prop_assert_eq!(plan.outcomes.len(), records.len());
            let applied = plan.outcomes.iter().filter(|outcome| matches!(outcome, Outcome::Applied { .. })).count();
            prop_assert!(applied == plan.changes.len() || atomic);
            prop_assert!(plan.changes.windows(2).all(|pair| pair[1].stamp == pair[0].stamp.plus(1)));
            prop_assert!(plan.changes.first().is_none_or(|change| change.stamp > before));
            let marker = Marker::new([0; 32], plan.prev, plan.stamp(), &plan.outcomes);
            prop_assert_eq!(marker.outcomes().map(|codes| codes.len()), Some(records.len()));
        }
        let mut replayed: BTreeMap<RecordKey, &Change> = BTreeMap::new();
        for change in &room.log {
            let last = replayed.insert(change.key.clone(), change);
            prop_assert_eq!(change.version, last.map_or(1, |last| last.version + 1));
        }
        prop_assert_eq!(replayed.len(), room.snapshot.records.len());
        for (key, record) in &room.snapshot.records {
            let change = replayed[key];
            prop_assert_eq!(change.data.as_str(), record.data.as_str());
            prop_assert_eq!((change.version, change.stamp), (record.version, record.stamp));
            prop_assert_eq!(change.operation == Operation::Delete, record.deleted);
        }
        let head = room.snapshot.head.unwrap_or_default();
        let live = room.snapshot.records.values().filter(|record| !record.deleted).count();
        prop_assert_eq!(head.live.values().sum::<u64>(), live as u64);
        prop_assert_eq!(head.changes, room.log.len() as u64);
    }
}
