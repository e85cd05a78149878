use serde_json::json;

use super::*;
use crate::tests::{push, record as stored_record};
use protocol::limits::{PUSH_RECORDS_MAX, RECORD_BYTES_MAX};
use protocol::record::RecordKey;
use protocol::role::Role;
use protocol::wire::outcome::ConflictReason;

#[test]
fn fifty_conflicts_of_the_largest_records_fit_a_lambda_response() {
    let record = |i: usize| {
        json!({"table_name": "halls", "record_id": format!("h{i}"), "data": {"x": "y".repeat(20_000)},
               "local_updated_at": "2025-12-07T10:00:00Z"})
    };
    let records: Vec<_> = (0..PUSH_RECORDS_MAX).map(record).collect();
    let push = push(Role::Cashier, &json!({"device_id": "till-1", "records": records}));
    // Only quotes: the worst case for escaping.
    let quotes = format!("{{\"x\":[{}\"\"]}}", "\"\",".repeat(RECORD_BYTES_MAX / 3 - 8));
    let server = stored_record(&quotes, 2, 9);
    let lost = Outcome::Conflict { reason: ConflictReason::NewerOnServer, server: Some(server) };
    let (none, lost) = (BTreeMap::new(), vec![lost; PUSH_RECORDS_MAX]);
    let answer = build(&push, &lost, &none, (Stamp(9), Stamp(9)), Timestamp(9));
    assert_eq!(answer.conflicts.len(), PUSH_RECORDS_MAX);
    assert!(!answer.conflicts[0].data_omitted && answer.conflicts[0].server_data.is_some());
    let last = &answer.conflicts[PUSH_RECORDS_MAX - 1];
    assert!(last.data_omitted && last.server_data.is_none() && last.local_data.is_none());
    assert_eq!(last.server_version, 2);
    let as_lambda_sends_it = serde_json::to_string(&serde_json::to_string(&answer).unwrap()).unwrap();
    assert!(as_lambda_sends_it.len() < 6_000_000, "{}", as_lambda_sends_it.len());
}

#[test]
fn copies_of_rejected_records_are_shown_as_far_as_they_fit() {
    let record = |i: usize| json!({"table_name": "halls", "record_id": format!("h{i}"), "data": 5});
    let records: Vec<_> = (0..PUSH_RECORDS_MAX).map(record).collect();
    let push = push(Role::Cashier, &json!({"device_id": "till-1", "records": records}));
    let quotes = format!("{{\"x\":[{}\"\"]}}", "\"\",".repeat(RECORD_BYTES_MAX / 3 - 8));
    let copies = push.records.iter().filter_map(|incoming| incoming.key()).skip(1);
    let copies: BTreeMap<_, _> = copies.map(|key| (key.clone(), stored_record(&quotes, 2, 9))).collect();
    let rejected = Outcome::Rejected(RejectionCode::Malformed.with_message("x"));
    let answer = build(&push, &vec![rejected; PUSH_RECORDS_MAX], &copies, (Stamp(9), Stamp(9)), Timestamp(9));
    let [none, first, .., last] = answer.errors.as_slice() else { panic!() };
    assert_eq!((&none.server_data, none.server_version, none.data_omitted), (&None, None, false));
    assert!(first.server_data.is_some() && !first.data_omitted);
    assert!(last.server_data.is_none() && last.data_omitted && last.server_version == Some(2));
    let as_lambda_sends_it = serde_json::to_string(&serde_json::to_string(&answer).unwrap()).unwrap();
    assert!(as_lambda_sends_it.len() < 6_000_000, "{}", as_lambda_sends_it.len());
}

/// A delta of till-1, the marker of its commit, and a snapshot with the record at `version`.
fn committed(version: Option<u64>) -> (Push, Marker, Snapshot) {
    let record = json!({"table_name": "product_stock", "record_id": "tea", "data": {"quantity": {"$delta": "-2"}},
                        "local_updated_at": "2025-12-07T10:00:00Z"});
    let push = push(Role::Cashier, &json!({"device_id": "till-1", "batch_id": "b1", "records": [record]}));
    let applied = Outcome::Applied { version: 2, stamp: Stamp(9), stored: None, flags: Vec::new() };
    let marker = Marker::new(push.hash, Stamp(8), Stamp(9), &[applied]);
    let record =
        version.map(|version| stored_record(&format!(r#"{{"quantity":{version}}}"#), version, 7 + version));
    let records = record.map(|record| (stock(), record)).into_iter().collect();
    (push, marker, Snapshot { records, ..Snapshot::default() })
}

fn stock() -> RecordKey {
    RecordKey { table: "product_stock".into(), id: "tea".into() }
}

#[test]
fn a_recreated_record_is_not_a_torn_read() {
    // The tombstone expired, the record was created again, and the marker is still stored.
    let later = Timestamp(10).plus_secs(90 * 24 * 3600);
    let (push, marker, records) = committed(Some(1));
    assert!(from_marker(&push, &marker, &records, later).is_ok());
}

#[test]
fn records_read_before_their_commit_are_a_torn_read() {
    let now = Timestamp(10);
    for (version, later) in [(Some(1), now), (None, now)] {
        let (push, marker, records) = committed(version);
        assert_eq!(from_marker(&push, &marker, &records, later).unwrap_err(), RetryError::TornRead);
    }
    let (push, marker, records) = committed(None);
    let purged = from_marker(&push, &marker, &records, now.plus_secs(2 * RECORD_SURVIVES_SECS)).unwrap();
    assert!(purged.applied[0].data_omitted);
    let damaged = Marker { codes: "?".into(), ..marker.clone() };
    assert_eq!(
        from_marker(&push, &damaged, &records, now).unwrap_err(),
        RetryError::Marker(MarkerError::Corrupt)
    );
    let newer = Marker { codes: "r99".into(), ..marker };
    assert_eq!(
        from_marker(&push, &newer, &records, now).unwrap_err(),
        RetryError::Marker(MarkerError::Newer)
    );
}

#[test]
fn a_record_that_was_damaged_after_its_commit_is_not_a_torn_read() {
    let (push, marker, mut snapshot) = committed(None);
    snapshot.damaged.insert(stock());
    let answer = from_marker(&push, &marker, &snapshot, Timestamp(10)).unwrap();
    assert_eq!((answer.applied[0].version, answer.applied[0].data_omitted), (2, true));
}

#[test]
fn a_damaged_marker_claims_only_what_the_server_holds() {
    let record = |id: &str, data: serde_json::Value| {
        json!({"table_name": "products", "record_id": id, "data": data,
               "local_updated_at": "2025-12-07T10:00:00Z"})
    };
    let records = [
        record("a", json!({"x":1})),
        record("b", json!({"x":2})),
        record("c", json!({})),
        record("", json!({})),
    ];
    let body = json!({"device_id": "till-1", "batch_id": "b1", "records": records});
    let key = |id: &str| RecordKey { table: "products".into(), id: id.into() };
    let held = [(key("a"), stored_record(r#"{"x":1}"#, 4, 7)), (key("b"), stored_record(r#"{"x":3}"#, 2, 8))];
    let snapshot = Snapshot { records: held.into(), is_marker_damaged: true, ..Snapshot::default() };
    let answer = from_damaged_marker(&push(Role::Cashier, &body), &snapshot, Timestamp(10));
    let applied: Vec<_> = answer.applied.iter().map(|applied| (applied.index, applied.version)).collect();
    assert_eq!(applied, [(0, 4)]);
    let unknown = answer
        .conflicts
        .iter()
        .map(|conflict| (conflict.index, conflict.reason.as_str(), conflict.server_version));
    assert_eq!(unknown.collect::<Vec<_>>(), [(1, "outcome_unknown", 2), (2, "outcome_unknown", 0)]);
    assert_eq!(answer.errors[0].code, "bad_record_id");
    // A marker is left only by an atomic batch that was applied whole.
    let mut atomic = body;
    atomic["atomic"] = json!(true);
    atomic["records"].as_array_mut().unwrap().truncate(2);
    let answer = from_damaged_marker(&push(Role::Cashier, &atomic), &snapshot, Timestamp(10));
    assert!(answer.success);
    assert_eq!(answer.applied[1].data.as_ref().unwrap().as_str(), r#"{"x":3}"#);
}

#[test]
fn a_sum_is_shown_while_the_server_has_that_version() {
    let (push, marker, records) = committed(Some(2));
    let answer = from_marker(&push, &marker, &records, Timestamp(10)).unwrap();
    assert_eq!(answer.applied[0].data.as_ref().unwrap().as_str(), r#"{"quantity":2}"#);
    assert!(!answer.applied[0].data_omitted);
    let (push, marker, records) = committed(Some(3));
    let answer = from_marker(&push, &marker, &records, Timestamp(10)).unwrap();
    assert!(answer.applied[0].data_omitted && answer.applied[0].data.is_none());
}

/// A committed batch of till-1 with two records, of which this release would reject the second today.
fn rejected_today(record: &serde_json::Value, second: Outcome) -> (Push, Marker) {
    let hall = json!({"table_name": "halls", "record_id": "h", "data": {"x": 1},
                      "local_updated_at": "2025-12-07T10:00:00Z"});
    let records = json!([hall, record]);
    let push = push(Role::Cashier, &json!({"device_id": "till-1", "batch_id": "b1", "records": records}));
    assert!(push.records[1].write.is_err());
    let first = Outcome::Conflict { reason: ConflictReason::NewerOnServer, server: None };
    let marker = Marker::new(push.hash, Stamp(8), Stamp(9), &[first, second]);
    (push, marker)
}

#[test]
fn a_release_does_not_answer_for_a_table_that_it_does_not_know() {
    let dream = json!({"table_name": "dreams", "record_id": "d", "data": {"x": 1},
                       "local_updated_at": "2025-12-07T10:00:00Z"});
    let lost = || Outcome::Conflict { reason: ConflictReason::NewerOnServer, server: None };
    let applied = || Outcome::Applied { version: 1, stamp: Stamp(9), stored: None, flags: Vec::new() };
    for outcome in [lost(), applied()] {
        let (push, marker) = rejected_today(&dream, outcome);
        let response = from_marker(&push, &marker, &Snapshot::default(), Timestamp(10));
        assert_eq!(response.err(), Some(RetryError::UnknownTable));
    }
    let rejected = Outcome::Rejected(RejectionCode::UnknownTable.with_message("no"));
    let (push, marker) = rejected_today(&dream, rejected);
    let response = from_marker(&push, &marker, &Snapshot::default(), Timestamp(10)).unwrap();
    assert_eq!(response.errors[0].code, "unknown_table");
}

#[test]
fn data_that_the_caller_may_not_write_any_more_is_omitted() {
    // The caller was a manager when it pushed.
    let setting = json!({"table_name": "settings", "record_id": "s", "data": {"beep": true}, "fields": ["beep"],
                         "local_updated_at": "2025-12-07T10:00:00Z"});
    let applied = Outcome::Applied { version: 2, stamp: Stamp(9), stored: None, flags: Vec::new() };
    let (push, marker) = rejected_today(&setting, applied);
    let response = from_marker(&push, &marker, &Snapshot::default(), Timestamp(10)).unwrap();
    assert!(response.applied[0].data_omitted, "what the server stored is more than what was sent");
    let lost = Outcome::Conflict { reason: ConflictReason::NewerOnServer, server: None };
    let (push, marker) = rejected_today(&setting, lost);
    let response = from_marker(&push, &marker, &Snapshot::default(), Timestamp(10)).unwrap();
    let omitted: Vec<bool> = response.conflicts.iter().map(|conflict| conflict.data_omitted).collect();
    assert_eq!(omitted, [false, true]);
}
