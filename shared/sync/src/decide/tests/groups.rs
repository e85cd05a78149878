//! Deciding several pushes for one commit equals deciding and committing them one after the other.

use proptest::prelude::*;

use super::properties::any_record;
use super::*;
use crate::decide::commit::{CommitPlan, RecordPut, RecordWrites};
use crate::decide::group::Group;
use crate::limits::{COMMIT_ACTIONS_MAX, COMMIT_BYTES_MAX};
use protocol::ids;
use protocol::limits::{PUSH_RECORDS_MAX, RECORD_BYTES_MAX};
use protocol::wire::publication::Publication;

/// A sale out of a stock that must not fall below its floor, or a row that is written once, or any write.
pub(super) fn any_write() -> impl Strategy<Value = serde_json::Value> {
    let time = "2025-12-07T10:00:00Z";
    let sale = (0..2_u8, -6..9_i8).prop_map(move |(id, delta)| {
        json!({"table_name": "product_stock", "record_id": format!("s{id}"), "local_updated_at": time,
               "data": {"quantity": {"$delta": delta.to_string()}}})
    });
    let row = (0..3_u8, 0..2_u8).prop_map(move |(id, total)| {
        json!({"table_name": "invoices", "record_id": format!("i{id}"), "local_updated_at": time,
               "data": {"total": total}})
    });
    let unknown =
        Just(json!({"table_name": "unknown", "record_id": "u", "local_updated_at": time, "data": {}}));
    prop_oneof![6 => any_record(), 3 => sale, 2 => row, 1 => unknown]
}

type Sent = (bool, Vec<serde_json::Value>);

fn any_pushes(most: usize) -> impl Strategy<Value = Vec<Sent>> {
    prop::collection::vec((any::<bool>(), prop::collection::vec(any_write(), 0..6)), 0..most)
}

/// The pushes, each of a device of its own.
fn pushes(sent: &[Sent]) -> Vec<Push> {
    let push = |(i, (atomic, records)): (usize, &Sent)| {
        let body =
            json!({"device_id": format!("till-{i}"), "batch_id": "b", "atomic": atomic, "records": records});
        push(Role::Manager, &body)
    };
    sent.iter().enumerate().map(push).collect()
}

/// What a plan decides, as text.
fn decision(plan: &Plan) -> String {
    let Plan { outcomes, prev, changes, dead, first, head, .. } = plan;
    format!("{outcomes:?} {prev:?} {changes:?} {dead:?} {first:?} {head:?}")
}

fn group<'a>(rules: &'a SyncRules, read: &Snapshot, pushes: &'a [Push]) -> Group<'a> {
    let mut group = Group::new(rules, read.clone(), NOW);
    assert!(pushes.iter().all(|push| group.add(push)));
    group
}

fn here() -> ids::Room {
    "1:2".parse().unwrap()
}

proptest! {
    #[test]
    fn pushes_in_one_commit_are_decided_as_one_after_the_other(
        before in any_pushes(4), sent in any_pushes(7),
    ) {
        let (rules, room) = (rules(), here());
        let mut one_by_one = Room::default();
        for push in pushes(&before) {
            one_by_one.decide(&rules, NOW, &push);
        }
        let (read, pushes) = (one_by_one.snapshot.clone(), pushes(&sent));
        let plans: Vec<Plan> = pushes.iter().map(|push| one_by_one.decide(&rules, NOW, push)).collect();
        let group = group(&rules, &read, &pushes);
        let together: Vec<String> = group.decided().iter().map(|decided| decision(decided.plan)).collect();
        prop_assert_eq!(together, plans.iter().map(decision).collect::<Vec<_>>());

        let Some(commit) = group.commit(&room) else {
            prop_assert!(pushes.is_empty());
            return Ok(());
        };
        // The commit leaves the same records and HEAD.
        prop_assert_eq!(commit.prev, read.stamp());
        if !commit.publications().is_empty() {
            prop_assert_eq!(Some(commit.head), one_by_one.snapshot.head.as_ref());
        }
        let mut records = read.records.clone();
        let written = commit.writes.puts.iter().map(|(key, put)| ((*key).clone(), put.record.clone()));
        records.extend(written);
        prop_assert_eq!(records, one_by_one.snapshot.records);
        // Every record that a push read is written or checked once, on the condition of what was read.
        let expected = commit.writes.puts.iter().map(|(key, put)| (*key, put.expected));
        let expected: BTreeMap<_, _> = expected.chain(commit.writes.checks.clone()).collect();
        prop_assert_eq!(expected.len(), commit.writes.puts.len() + commit.writes.checks.len());
        prop_assert!(expected.iter().all(|(key, expected)| read.expected(key) == *expected));
        let decided = pushes.iter().zip(&plans).filter(|(push, plan)| {
            !push.atomic || plan.outcomes.iter().all(Outcome::is_applied)
        });
        let known = |key: &&RecordKey| rules.tables.get(&key.table).is_some();
        for key in decided.flat_map(|(push, _)| push.keys()).filter(known) {
            prop_assert!(expected.contains_key(key), "{:?}", key);
        }
        // The log continues from push to push.
        let parts = |publications: &[Publication]| -> Vec<(Stamp, Stamp)> {
            publications.iter().map(|part| (part.prev, part.last())).collect()
        };
        let of_plan = |(push, plan): (&Push, &Plan)| {
            let commit = CommitPlan::new(&rules.tables, &room, push, plan, &[]).unwrap();
            parts(commit.publications())
        };
        let expected: Vec<_> = pushes.iter().zip(&plans).flat_map(of_plan).collect();
        prop_assert_eq!(parts(commit.publications()), expected);
    }
}

fn hall(id: &str, name: &str) -> serde_json::Value {
    with(write(name, 1), "record_id", id)
}

#[test]
fn a_record_that_two_pushes_write_is_written_once_on_the_condition_of_what_was_read() {
    let mut room = Room::default();
    room.one("till-9", hall("p1", "A"));
    let read = room.snapshot.clone();
    let rename = |name: &str, second, base| based(write(name, second), base);
    // The second push conflicts with the first one; the third knows what the first one leaves.
    let sent =
        [rename("B", 30, 1), based(write("C", 2), 1), rename("D", 31, 2)].map(|record| (false, vec![record]));
    let (rules, pushes, here) = (rules(), pushes(&sent), here());
    let group = group(&rules, &read, &pushes);
    let decided = group.decided();
    assert_eq!(version(&decided[0].plan.outcomes[0]), 2);
    assert_eq!(reason(&decided[1].plan.outcomes[0]), ConflictReason::NewerOnServer);
    assert_eq!(version(&decided[2].plan.outcomes[0]), 3);
    let RecordWrites { puts, checks } = group.commit(&here).unwrap().writes;
    let [RecordPut { record, expected }] = puts.into_values().collect::<Vec<_>>()[..] else { panic!() };
    assert_eq!((record.version, expected, checks.len()), (3, Expected::Version(1), 0));
}

#[test]
fn a_second_push_of_a_device_is_left_for_another_commit() {
    let rules = rules();
    let pushes = pushes(&[(false, vec![hall("p1", "A")]), (false, vec![hall("p2", "B")])]);
    let again = Push { records: Vec::new(), ..pushes[0].clone() };
    let mut group = Group::new(&rules, Snapshot::default(), NOW);
    let added: Vec<bool> = [&pushes[0], &again, &pushes[1]].map(|push| group.add(push)).into();
    assert_eq!(added, [true, false, true]);
    assert_eq!(group.decided().len(), 2);
}

#[test]
fn one_action_over_a_transaction_is_left_for_another_commit_and_smaller_pushes_still_fit() {
    let rules = rules();
    // A push of n new records takes n puts, its marker and a log item; HEAD, the branch and the
    // counts come once.
    let sent = |push: usize, records: usize| {
        let record = |i: usize| hall(&format!("p{push}-{i}"), "A");
        (false, (0..records).map(record).collect::<Vec<_>>())
    };
    let left = COMMIT_ACTIONS_MAX - 3 - (PUSH_RECORDS_MAX + 2) - 2;
    for (records, fits) in [(left, true), (left + 1, false)] {
        let pushes = pushes(&[sent(0, PUSH_RECORDS_MAX), sent(1, records), sent(2, 1)]);
        let mut group = Group::new(&rules, Snapshot::default(), NOW);
        let added: Vec<bool> = pushes.iter().map(|push| group.add(push)).collect();
        assert_eq!(added, [true, fits, !fits]);
    }
}

#[test]
fn one_byte_over_a_transaction_is_left_for_another_commit() {
    let rules = rules();
    // Each record is stored twice, in the room and in the log.
    let data = |bytes: usize| json!({"x": "x".repeat(bytes - r#"{"x":""}"#.len())});
    let sent = |push: usize, sizes: &[usize]| {
        let record =
            |(i, bytes): (usize, &usize)| with(hall(&format!("p{push}-{i}"), ""), "data", data(*bytes));
        (false, sizes.iter().enumerate().map(record).collect::<Vec<_>>())
    };
    let full = vec![RECORD_BYTES_MAX; 13];
    let rest = COMMIT_BYTES_MAX / 2 - 2 * 13 * RECORD_BYTES_MAX;
    assert!((16..RECORD_BYTES_MAX).contains(&rest));
    for (last, fits) in [(rest, true), (rest + 1, false)] {
        let pushes = pushes(&[sent(0, &full), sent(1, &full), sent(2, &[last])]);
        let mut group = Group::new(&rules, Snapshot::default(), NOW);
        let added: Vec<bool> = pushes.iter().map(|push| group.add(push)).collect();
        assert_eq!(added, [true, true, fits]);
    }
}
