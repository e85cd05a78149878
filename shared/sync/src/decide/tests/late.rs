//! Batches that are older than their room remembers batches and deletions.

use proptest::prelude::*;
use protocol::timestamp::DAY_SECS;

use super::*;
use crate::limits::MARKER_RETENTION_SECS;
use crate::rules::Retention;
use crate::shortest_retention::CLOCKS_DIFFER_MICROS_MAX;

pub(super) fn days(days: u64) -> Timestamp {
    NOW.plus_secs(days * DAY_SECS)
}

pub(super) fn keeping(days: u64) -> SyncRules {
    let retention = Retention::new(DAY_SECS, days * DAY_SECS, days * DAY_SECS).unwrap();
    SyncRules { retention, ..rules() }
}

pub(super) fn stamped(table: &str, id: &str, data: &serde_json::Value, at: Timestamp) -> serde_json::Value {
    json!({"table_name": table, "record_id": id, "data": data, "local_updated_at": at.to_string()})
}

pub(super) fn sale(id: &str, at: Timestamp) -> serde_json::Value {
    based(stamped("invoice_items", id, &json!({"price": "9.90"}), at), 0)
}

pub(super) fn taken(at: Timestamp) -> serde_json::Value {
    stamped("product_stock", "s1", &json!({"quantity": {"$delta": "-1"}}), at)
}

/// A room whose first commit, at NOW, made ten of a product.
pub(super) fn shop() -> Room {
    let mut room = Room::default();
    let stock = based(stamped("product_stock", "s1", &json!({"quantity": 10}), NOW), 0);
    room.push_at(NOW, "till-2", false, &[stock]);
    room
}

pub(super) fn quantity(room: &Room) -> String {
    let stock = room.snapshot.records.iter().find(|(key, _)| key.table == "product_stock").unwrap().1;
    let data: serde_json::Value = serde_json::from_str(stock.data.as_str()).unwrap();
    data["quantity"].to_string()
}

pub(super) fn codes(plan: &Plan) -> Vec<&'static str> {
    let code = |outcome: &Outcome| match outcome {
        Outcome::Applied { .. } => "applied",
        Outcome::AlreadyApplied { .. } => "already_applied",
        Outcome::Rejected(rejection) => rejection.code.as_str(),
        Outcome::Conflict { reason, .. } | Outcome::Merged { reason, .. } => reason.as_str(),
    };
    plan.outcomes.iter().map(code).collect()
}

/// Deletes the expired tombstones, as DynamoDB does.
pub(super) fn purge(room: &mut Room) {
    room.snapshot.records.retain(|_, record| !record.deleted);
}

#[test]
fn a_late_batch_whose_rows_are_all_new_is_applied_and_one_whose_rows_are_all_there_is_not() {
    let mut room = shop();
    let batch =
        [sale("a", NOW), sale("b", NOW), taken(NOW), based(stamped("halls", "h", &json!({}), NOW), 0)];
    assert_eq!(codes(&room.push_at(days(100), "till-1", false, &batch)), ["applied"; 4]);
    assert_eq!(quantity(&room), "9");
    let again = room.push_at(days(200), "till-1", false, &batch);
    assert_eq!(codes(&again), ["already_applied"; 4]);
    assert!(again.changes.is_empty() && again.dead.is_empty());
    assert_eq!(quantity(&room), "9");
}

#[test]
fn what_cannot_be_told_of_a_late_batch_waits_for_a_person_and_its_sales_are_applied() {
    let hall = || stamped("halls", "h", &json!({"name": "A"}), NOW);
    for batch in [
        vec![taken(NOW), hall(), based(hall(), 0)],
        vec![sale("a", NOW), sale("b", NOW), taken(NOW), based(hall(), 0)],
    ] {
        let mut room = shop();
        room.push_at(NOW, "till-1", false, &[sale("a", NOW)]);
        room.push_at(days(80), "till-1", false, &[stamped("halls", "h", &json!({"name": "B"}), days(80))]);
        let plan = room.push_at(days(100), "till-1", false, &batch);
        let sales = ["already_applied", "applied"].into_iter().filter(|_| batch.len() == 4);
        let rest = match batch.len() {
            3 => vec!["too_old", "too_old", "already_exists"],
            _ => vec!["too_old", "already_exists"],
        };
        assert_eq!(codes(&plan), sales.chain(rest).collect::<Vec<_>>());
        assert_eq!(quantity(&room), "10");
        assert_eq!(room.snapshot.records.iter().find(|(key, _)| key.table == "halls").unwrap().1.version, 1);
    }
}

#[test]
fn a_row_of_another_device_or_content_tells_nothing() {
    for first in
        [("till-2", sale("a", NOW)), ("till-1", with(sale("a", NOW), "data", json!({"price": "9.91"})))]
    {
        let mut room = shop();
        room.push_at(NOW, first.0, false, &[first.1]);
        let plan = room.push_at(days(100), "till-1", false, &[sale("a", NOW), taken(NOW)]);
        assert_eq!(codes(&plan)[1], "too_old");
    }
    // Nor does a damaged row.
    let mut room = shop();
    let key = RecordKey { table: "invoice_items".into(), id: "a".into() };
    room.snapshot.damaged.insert(key);
    let plan = room.push_at(days(100), "till-1", false, &[sale("a", NOW), taken(NOW)]);
    assert_eq!(codes(&plan), ["record_corrupt", "too_old"]);
    // A row that is rejected is missing after every attempt.
    let mut room = shop();
    let bad = based(stamped("invoices", "i", &json!({"status": "refunded"}), NOW), 0);
    let plan = room.push_at(days(100), "till-1", false, &[bad, taken(NOW)]);
    assert_eq!(codes(&plan), ["bad_transition", "too_old"]);
}

#[test]
fn a_row_whose_state_has_moved_on_is_recognised() {
    let invoice = |status: &str| stamped("invoices", "i", &json!({"total": 1, "status": status}), NOW);
    let mut room = shop();
    let batch = [based(invoice("draft"), 0), taken(NOW)];
    room.push_at(NOW, "till-1", false, &batch);
    let paid = with(with(invoice("paid"), "data", json!({"status": "paid"})), "fields", json!(["status"]));
    room.push_at(days(1), "till-2", false, &[paid]);
    assert_eq!(codes(&room.push_at(days(100), "till-1", false, &batch)), ["already_applied"; 2]);
    assert_eq!(quantity(&room), "9");
    // A later batch that moves the state of an existing row is not the one that made it.
    let later = [based(invoice("refunded"), 0), taken(NOW)];
    assert_eq!(codes(&room.push_at(days(100), "till-1", false, &later)), ["applied", "too_old"]);
}

#[test]
fn a_write_on_the_current_version_was_not_applied_before() {
    let mut room = shop();
    room.push_at(NOW, "till-2", false, &[based(stamped("halls", "h", &json!({"n": 1}), NOW), 0)]);
    let edit = based(stamped("halls", "h", &json!({"n": 2}), NOW), 1);
    let delta = based(taken(NOW), 1);
    assert_eq!(codes(&room.push_at(days(100), "till-1", false, &[edit.clone(), delta])), ["applied"; 2]);
    assert_eq!(codes(&room.push_at(days(200), "till-1", false, &[edit])), ["already_applied"]);
    let stale = based(stamped("halls", "h", &json!({"n": 3}), NOW), 1);
    assert_eq!(codes(&room.push_at(days(200), "till-2", false, &[stale])), ["newer_on_server"]);
}

#[test]
fn an_old_create_does_not_restore_what_was_deleted_and_forgotten() {
    for batch_id in [json!("b"), json!(null)] {
        let mut room = shop();
        let create = based(stamped("halls", "h", &json!({"n": 1}), NOW), 0);
        let body = json!({"device_id": "till-1", "batch_id": batch_id, "records": [create]});
        assert_eq!(codes(&room.push_body(&rules(), NOW, &body)), ["applied"]);
        let delete = with(based(stamped("halls", "h", &json!(null), days(1)), 1), "is_deleted", true);
        room.push_at(days(1), "till-2", false, &[delete]);
        // Also while the tombstone is still there.
        assert_eq!(codes(&room.push_body(&rules(), days(100), &body)), ["too_old"]);
        purge(&mut room);
        assert_eq!(codes(&room.push_body(&rules(), days(100), &body)), ["too_old"]);
    }
}

/// A history of one batch and of the deletion of its hall: how many deltas, and which writes, were applied.
fn sent_twice(rows: usize, named: bool, made: Timestamp, second: Timestamp, marked: bool) -> (String, Room) {
    let mut room = shop();
    let mut records: Vec<_> = (0..rows).map(|i| sale(&format!("r{i}"), made)).collect();
    records.extend([taken(made), based(stamped("halls", "h", &json!({"n": 1}), made), 0)]);
    let batch_id = if named { json!("b") } else { json!(null) };
    let body = json!({"device_id": "till-1", "batch_id": batch_id, "records": records});
    room.push_body(&rules(), made, &body);
    let delete = with(based(stamped("halls", "h", &json!(null), made), 1), "is_deleted", true);
    room.push_at(made, "till-2", false, &[delete]);
    // A marker that is still there answers the batch, which is then not decided.
    if !marked {
        purge(&mut room);
        room.push_body(&rules(), second, &body);
    }
    (quantity(&room), room)
}

fn atomic(batch_id: &str, records: &[serde_json::Value]) -> serde_json::Value {
    json!({"device_id": "till-1", "batch_id": batch_id, "atomic": true, "records": records})
}

#[test]
fn a_late_atomic_batch_that_cannot_be_told_is_refused_as_a_whole() {
    let mut room = shop();
    let hall = |at| based(stamped("halls", "h", &json!({}), at), 0);
    let plan = room.push_body(&rules(), days(100), &atomic("b", &[taken(NOW), hall(NOW)]));
    assert_eq!(codes(&plan), ["too_old"; 2]);
    assert!(plan.changes.is_empty() && plan.dead.is_empty(), "its device keeps it");
    let Outcome::Rejected(rejection) = &plan.outcomes[0] else { panic!() };
    assert!(rejection.message.contains("send it again"), "{}", rejection.message);
    // A person has looked, and it was not applied.
    let today = atomic("c", &[taken(days(100)), hall(days(100))]);
    assert_eq!(codes(&room.push_body(&rules(), days(100), &today)), ["applied"; 2]);
    assert_eq!(quantity(&room), "9");
}

#[test]
fn a_late_atomic_batch_was_applied_with_all_its_rows_or_not_at_all() {
    let batch = atomic("b", &[sale("a", NOW), sale("b", NOW), taken(NOW)]);
    let mut room = shop();
    room.push_at(NOW, "till-1", false, &[sale("a", NOW)]);
    assert_eq!(
        codes(&room.push_body(&rules(), days(100), &batch)),
        ["already_applied", "applied", "applied"]
    );
    assert_eq!(codes(&room.push_body(&rules(), days(200), &batch)), ["already_applied"; 3]);
    assert_eq!(quantity(&room), "9");
}

#[test]
fn a_clock_that_was_reset_to_the_same_past_makes_no_old_batch_young() {
    // Each time it is switched on, the clock of this till begins in 2001.
    let then = Timestamp::parse("2001-01-01T08:00:00Z").unwrap();
    let body = |device_time: Option<Timestamp>, records: &[serde_json::Value]| {
        let device_time = device_time.map(|time| time.to_string());
        json!({"device_id": "till-1", "batch_id": "b", "device_time": device_time, "records": records})
    };
    let mut room = shop();
    let batch = [taken(then), based(stamped("halls", "h", &json!({}), then), 0)];
    assert_eq!(codes(&room.push_body(&rules(), days(100), &body(Some(then), &batch))), ["applied"; 2]);
    assert_eq!(quantity(&room), "9");
    // The response was lost. After the reset the till sends the batch without `device_time`.
    let again = room.push_body(&rules(), days(300), &body(None, &batch));
    assert_eq!(codes(&again), ["too_old", "already_applied"]);
    // What it writes after the reset is corrected: it is of today.
    let new = [based(stamped("halls", "h2", &json!({}), then), 0)];
    assert_eq!(codes(&room.push_body(&rules(), days(300), &body(Some(then), &new))), ["applied"]);
    assert_eq!(quantity(&room), "9");
}

#[test]
fn a_clock_that_is_ahead_for_longer_than_markers_live_says_nothing_about_the_age_of_a_batch() {
    let bound = days(300).0 - (MARKER_RETENTION_SECS * 1_000_000 - CLOCKS_DIFFER_MICROS_MAX);
    let ahead = days(300).0 + (days(300).0 - bound);
    for (micros, code) in [(ahead, "applied"), (ahead + 1, "too_old")] {
        let mut room = shop();
        assert_eq!(codes(&room.push_at(days(300), "till-1", false, &[taken(Timestamp(micros))])), [code]);
        // Another record of the batch may tell it.
        let old = room.push_at(days(300), "till-1", false, &[taken(NOW), taken(Timestamp(ahead + 1))]);
        assert_eq!(codes(&old), ["too_old"; 2]);
        let new = room.push_at(days(300), "till-1", false, &[taken(days(300)), taken(Timestamp(ahead + 1))]);
        assert_eq!(codes(&new), ["applied"; 2]);
    }
}

proptest! {
    /// The marker lives for 90 days by DynamoDB's clock, which differs from the function's.
    #[test]
    fn whatever_its_age_a_repeated_batch_counts_once_and_restores_nothing(
        rows in 0..3_usize,
        named in any::<bool>(),
        age in prop_oneof![0..400 * DAY_SECS, MARKER_RETENTION_SECS - 1000..MARKER_RETENTION_SECS + 1000],
        differ in -290_i64..290,
    ) {
        let second = days(1).plus_secs(age);
        let expired = age.saturating_add_signed(differ) > MARKER_RETENTION_SECS;
        // Without an id nothing is promised before the tombstone has expired.
        let (quantity, room) = sent_twice(rows, named, days(1), second, !expired);
        prop_assert_eq!(quantity, if named { "9" } else { "10" });
        let hall = room.snapshot.records.iter().find(|(key, _)| key.table == "halls");
        prop_assert!(hall.is_none_or(|(_, hall)| hall.deleted));
        let sales = room.snapshot.records.keys().filter(|key| key.table == "invoice_items").count();
        prop_assert_eq!(sales, rows);
    }

    /// A sale is applied at any age and by any clock, with or without a batch id.
    #[test]
    fn a_first_batch_with_a_sale_loses_nothing_at_any_age(made in 0..NOW.0, named in any::<bool>(), days_later in 0..400_u64) {
        let mut room = shop();
        let made = Timestamp(made);
        let batch_id = if named { json!("b") } else { json!(null) };
        let body = json!({"device_id": "till-1", "batch_id": batch_id, "records": [sale("a", made), taken(made)]});
        let plan = room.push_body(&rules(), days(days_later), &body);
        prop_assert_eq!(codes(&plan), ["applied", if named { "applied" } else { "delta_needs_batch" }]);
    }

    #[test]
    fn a_delta_alone_is_applied_up_to_the_bound_and_waits_from_there(secs in 0..CLOCKS_DIFFER_MICROS_MAX / 500_000) {
        let mut room = shop();
        let now = days(200);
        let bound = now.0 - MARKER_RETENTION_SECS * 1_000_000 + CLOCKS_DIFFER_MICROS_MAX;
        let made = Timestamp(bound - 600_000_000 + secs * 1_000_000);
        let plan = room.push_at(now, "till-1", false, &[taken(made)]);
        prop_assert_eq!(codes(&plan), [if made.0 < bound { "too_old" } else { "applied" }]);
        prop_assert_eq!(plan.dead.len(), usize::from(made.0 < bound));
    }
}
