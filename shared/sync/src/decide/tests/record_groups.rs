//! Groups of records inside a batch.

use std::collections::BTreeSet;

use proptest::prelude::*;
use serde_json::Value;

use super::groups::any_write;
use super::*;
use crate::batch_hash::BatchHash;
use crate::marker::Marker;

fn grouped(record: Value, group: &str) -> Value {
    with(record, "group", group)
}

fn row(id: &str, total: u32) -> Value {
    json!({"table_name": "invoices", "record_id": id, "data": {"total": total},
           "local_updated_at": "2025-12-07T10:00:00Z", "base_version": 0})
}

fn taken(id: &str, delta: &str) -> Value {
    json!({"table_name": "product_stock", "record_id": id, "data": {"quantity": {"$delta": delta}},
           "local_updated_at": "2025-12-07T10:00:00Z"})
}

/// A record that is always rejected.
fn bad() -> Value {
    json!({"table_name": "dreams", "record_id": "x", "data": {}, "local_updated_at": "2025-12-07T10:00:00Z"})
}

/// Each outcome in a word.
fn words(plan: &Plan) -> Vec<&'static str> {
    let word = |outcome: &Outcome| match outcome {
        Outcome::Applied { .. } => "applied",
        Outcome::AlreadyApplied { .. } => "held",
        Outcome::Merged { .. } => "merged",
        Outcome::Conflict { reason, .. } => reason.as_str(),
        Outcome::Rejected(rejection) => rejection.code.as_str(),
    };
    plan.outcomes.iter().map(word).collect()
}

/// The ids of the changed records.
fn changed(plan: &Plan) -> Vec<&str> {
    plan.changes.iter().map(|change| change.key.id.as_str()).collect()
}

#[test]
fn a_rejected_record_undoes_its_group_and_no_other_record() {
    let mut room = Room::default();
    let plan = room.push(
        "till-1",
        &[
            grouped(row("i1", 1), "s1"),
            grouped(taken("p1", "-1"), "s1"),
            grouped(row("i2", 2), "s2"),
            grouped(taken("p1", "-2"), "s2"),
            grouped(bad(), "s1"),
            taken("p1", "-4"),
        ],
    );
    let undone = "group_undone";
    assert_eq!(words(&plan), [undone, undone, "applied", "applied", "unknown_table", "applied"]);
    assert_eq!(changed(&plan), ["i2", "p1", "p1"]);
    let stamps: Vec<u64> = plan.changes.iter().map(|change| change.stamp.0 - NOW.0).collect();
    assert_eq!(stamps, [0, 1, 2], "without gaps");
    let key = RecordKey { table: "product_stock".into(), id: "p1".into() };
    assert_eq!(room.snapshot.records[&key].data.as_str(), r#"{"quantity":-6}"#);
    let kept: Vec<_> = plan.dead.iter().map(|letter| (letter.index, letter.code.as_str())).collect();
    assert_eq!(kept, [(0, undone), (1, undone), (4, "unknown_table")]);
    assert!(plan.dead.iter().all(|letter| letter.group.as_ref().is_some_and(|group| group.as_str() == "s1")));
    // What was only read is checked, since the decision rests on it.
    let checked: Vec<&str> = plan.checks.iter().map(|check| check.key.id.as_str()).collect();
    assert_eq!(checked, ["i1"]);
}

#[test]
fn a_conflict_undoes_its_group_and_waits_with_it() {
    let mut room = Room::default();
    room.one("till-1", write("A", 10));
    for name in ["A", "B"] {
        let plan =
            room.push("till-2", &[grouped(row("i1", 1), "s"), grouped(based(write(name, 11), 0), "s")]);
        assert_eq!(words(&plan), ["group_undone", "group_conflict"]);
        assert!(plan.changes.is_empty() && plan.dead.len() == 2);
        assert!(plan.dead[1].message.contains("already_exists"));
    }
    // A delta that would be stored although the rest conflicts.
    let stock =
        |data: Value, second: u32| with(with(write("", second), "table_name", "product_stock"), "data", data);
    room.push("till-1", &[stock(json!({"quantity": 5, "shelf": "A"}), 30)]);
    room.push("till-1", &[based(stock(json!({"shelf": "B"}), 50), 1)]);
    let both = based(stock(json!({"quantity": {"$delta": "-2"}, "shelf": "C"}), 20), 1);
    assert_eq!(words(&room.push("till-2", &[grouped(both.clone(), "s")])), ["group_conflict"]);
    assert_eq!(words(&room.push("till-2", &[both])), ["merged"]);
}

#[test]
fn a_record_of_two_groups_sees_only_what_is_applied() {
    let create = based(write("A", 1), 0);
    let edit = based(write("B", 2), 1);
    let sent =
        |last: Value| [grouped(create.clone(), "s1"), grouped(edit.clone(), "s2"), grouped(last, "s1")];
    let plan = Room::default().push("till-1", &sent(row("i1", 1)));
    assert_eq!(words(&plan), ["applied", "applied", "applied"]);
    // Without the create there is nothing to edit.
    let plan = Room::default().push("till-1", &sent(bad()));
    assert_eq!(words(&plan), ["group_undone", "group_conflict", "unknown_table"]);
    assert!(plan.puts.is_empty() && plan.changes.is_empty());
}

#[test]
fn a_group_that_failed_only_because_of_an_earlier_one_is_applied() {
    let rules = rules_with_a_floor();
    let mut room = Room::default();
    room.push("till-1", &[with(taken("p1", "0"), "data", json!({"quantity": 5}))]);
    let body = json!({"device_id": "till-2", "batch_id": "b", "records": [
        grouped(taken("p1", "-4"), "s1"), grouped(bad(), "s1"), grouped(taken("p1", "-3"), "s2") ]});
    let plan = room.push_body(&rules, NOW, &body);
    assert_eq!(words(&plan), ["group_undone", "unknown_table", "applied"]);
    assert_eq!(data(&room), r#"{"quantity":2}"#);
}

/// The built-in tables, with a stock that must not fall below zero.
fn rules_with_a_floor() -> SyncRules {
    let mut rules = rules();
    let tables = include_str!("../../tables.toml").replace(r#"below = "flag""#, r#"below = "reject""#);
    rules.tables = crate::tables::Tables::parse(&tables).unwrap();
    rules
}

#[test]
fn replays_are_applied_and_an_atomic_batch_has_no_groups_of_its_own() {
    let mut room = Room::default();
    let sale = [grouped(row("i1", 1), "s"), grouped(row("i2", 1), "s")];
    room.push("till-1", &sale[..1]);
    assert_eq!(words(&room.push("till-1", &sale)), ["held", "applied"]);
    let records = [grouped(row("i3", 1), "s1"), grouped(bad(), "s2")];
    let plan = room.push_at(NOW, "till-1", true, &records);
    assert_eq!(words(&plan), ["applied", "unknown_table"], "as without groups");
    assert!(plan.changes.is_empty() && plan.dead.is_empty());
}

#[test]
fn a_malformed_record_undoes_the_group_that_it_names() {
    let malformed = with(grouped(row("i1", 1), "s"), "base_version", -1);
    let plan = Room::default().push("till-1", &[malformed, grouped(row("i2", 1), "s")]);
    assert_eq!(words(&plan), ["malformed", "group_undone"]);
}

#[test]
fn a_late_group_that_may_have_been_applied_waits_as_a_whole() {
    let late = |record: Value| with(record, "local_updated_at", "2025-06-01T10:00:00Z");
    let mut room = Room::default();
    let year_ago = Timestamp(NOW.0 - 365 * 86_400_000_000);
    room.push_at(year_ago, "till-2", false, &[row("first", 1)]);
    room.push_at(year_ago, "till-1", false, &[late(row("i1", 1))]);
    // One of its rows is there and one is not.
    let sale = [late(row("i1", 1)), late(row("i2", 1)), late(taken("p1", "-1"))];
    assert_eq!(words(&room.push("till-1", &sale)), ["held", "applied", "too_old"]);
    let mut room = Room::default();
    room.push_at(year_ago, "till-2", false, &[row("first", 1)]);
    room.push_at(year_ago, "till-1", false, &[late(row("i1", 1))]);
    let plan = room.push("till-1", &sale.map(|record| grouped(record, "s")));
    assert_eq!(words(&plan), ["group_undone", "group_undone", "too_old"]);
    assert_eq!(plan.dead.len(), 3);
}

/// A batch whose records are in one of two groups or in none.
fn any_batch() -> impl Strategy<Value = Vec<Value>> {
    let bad = Just(bad());
    let write = prop_oneof![8 => any_write(), 1 => bad];
    let group = prop::option::of(0..3_u8);
    let record = (write, group).prop_map(|(record, group)| match group {
        Some(group) => grouped(record, &format!("s{group}")),
        None => record,
    });
    prop::collection::vec(record, 0..9)
}

fn without_group(record: &Value) -> Value {
    let mut record = record.clone();
    record.as_object_mut().unwrap().remove("group");
    record
}

proptest! {
    #[test]
    fn a_group_is_applied_as_a_whole_or_not_at_all_and_then_leaves_no_trace(
        before in prop::collection::vec(any_batch(), 0..3),
        records in any_batch(),
        atomic in any::<bool>(),
    ) {
        let mut room = Room::default();
        for records in before {
            room.push("till-2", &records.iter().map(without_group).collect::<Vec<_>>());
        }
        let plan_of = |records: &[Value]| {
            let body = json!({"device_id": "till-1", "batch_id": "b", "atomic": atomic, "records": records});
            decide(&rules(), &room.snapshot, &push(Role::Manager, &body), NOW)
        };
        let plan = plan_of(&records);
        let ungrouped = plan_of(&records.iter().map(without_group).collect::<Vec<_>>());
        let text = |plan: &Plan| format!("{:?} {:?} {:?}", plan.changes, plan.puts, plan.head);
        if atomic {
            prop_assert_eq!(text(&plan), text(&ungrouped));
            prop_assert_eq!(plan.outcomes, ungrouped.outcomes);
            return Ok(());
        }
        let group = |record: &Value| record["group"].as_str().map(str::to_owned);
        let mut undone = BTreeSet::new();
        for name in records.iter().filter_map(group).collect::<BTreeSet<_>>() {
            let of_group = || records.iter().zip(&plan.outcomes).filter(|(record, _)| group(record).as_ref() == Some(&name));
            let applied = of_group().filter(|(_, outcome)| outcome.is_applied()).count();
            prop_assert!(applied == 0 || applied == of_group().count(), "{:?}", plan.outcomes);
            if applied == 0 {
                let kept = of_group().all(|(_, outcome)| matches!(outcome, Outcome::Rejected(_)));
                prop_assert!(kept, "{:?}", plan.outcomes);
                undone.insert(name);
            }
        }
        // As if what was undone had not been sent.
        let is_left = |record: &Value| group(record).is_none_or(|group| !undone.contains(&group));
        let left: Vec<Value> = records.iter().filter(|record| is_left(record)).map(without_group).collect();
        let alone = plan_of(&left);
        prop_assert_eq!(text(&plan), text(&alone));
        let outcomes = records.iter().zip(&plan.outcomes).filter(|(record, _)| is_left(record));
        let outcomes: Vec<_> = outcomes.map(|(_, outcome)| outcome.clone()).collect();
        prop_assert_eq!(&outcomes, &alone.outcomes);
        // Nothing was undone without a reason: without groups, some record of the batch is not applied.
        prop_assert!(undone.is_empty() || !ungrouped.outcomes.iter().all(Outcome::is_applied));
        // Nothing is lost.
        let rejected = plan.outcomes.iter().filter(|outcome| matches!(outcome, Outcome::Rejected(_))).count();
        prop_assert_eq!(plan.dead.len(), rejected);
        let marker = Marker::new(BatchHash::exact([0; 32]), plan.prev, plan.stamp(), &plan.outcomes);
        prop_assert_eq!(marker.outcomes().map(|codes| codes.len()), Ok(records.len()));
    }
}
