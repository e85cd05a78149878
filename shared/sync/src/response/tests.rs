use serde_json::json;

use super::*;
use crate::policy::field_merge::FieldVersions;
use crate::tables::Tables;
use protocol::limits::{PUSH_RECORDS_MAX, RECORD_BYTES_MAX};
use protocol::role::Role;
use protocol::wire::outcome::ConflictReason;

#[test]
fn fifty_conflicts_of_the_largest_records_still_pass_through_lambda() {
    let record = |i: usize| {
        json!({"table_name": "halls", "record_id": format!("h{i}"), "data": {"x": "y".repeat(20_000)},
               "local_updated_at": "2025-12-07T10:00:00Z"})
    };
    let records: Vec<_> = (0..PUSH_RECORDS_MAX).map(record).collect();
    let body = json!({"device_id": "till-1", "records": records}).to_string();
    let push = Push::parse(&Tables::built_in().unwrap(), Role::Cashier, body.as_bytes()).unwrap();
    // Nothing but quotes: what escapes worst.
    let quotes = format!("{{\"x\":[{}\"\"]}}", "\"\",".repeat(RECORD_BYTES_MAX / 3 - 8));
    let server = Record {
        data: JsonText::from_text(quotes).unwrap(),
        version: 2,
        stamp: Stamp(9),
        modified_at: Timestamp(9),
        device: "till-2".parse().unwrap(),
        deleted: false,
        fields: FieldVersions::default(),
    };
    let lost = Outcome::Conflict { reason: ConflictReason::NewerOnServer, server: Some(server) };
    let answer = build(&push, &vec![lost; PUSH_RECORDS_MAX], Stamp(9), Stamp(9), Timestamp(9));
    assert_eq!(answer.conflicts.len(), PUSH_RECORDS_MAX);
    assert!(!answer.conflicts[0].data_omitted && answer.conflicts[0].server_data.is_some());
    let last = &answer.conflicts[PUSH_RECORDS_MAX - 1];
    assert!(last.data_omitted && last.server_data.is_none() && last.local_data.is_none());
    assert_eq!(last.server_version, 2);
    let as_lambda_sends_it = serde_json::to_string(&serde_json::to_string(&answer).unwrap()).unwrap();
    assert!(as_lambda_sends_it.len() < 6_000_000, "{}", as_lambda_sends_it.len());
}

/// A delta of till-1, the marker of its commit, and the record as it is at `version`.
fn committed(version: Option<u64>) -> (Push, Marker, BTreeMap<RecordKey, Record>) {
    let record = json!({"table_name": "product_stock", "record_id": "tea", "data": {"quantity": {"$delta": "-2"}},
                        "local_updated_at": "2025-12-07T10:00:00Z"});
    let body = json!({"device_id": "till-1", "batch_id": "b1", "records": [record]}).to_string();
    let push = Push::parse(&Tables::built_in().unwrap(), Role::Cashier, body.as_bytes()).unwrap();
    let applied = Outcome::Applied { version: 2, stamp: Stamp(9), stored: None, flags: Vec::new() };
    let marker = Marker::new(push.hash, Stamp(8), Stamp(9), &[applied]);
    let record = version.map(|version| Record {
        data: JsonText::from_text(format!(r#"{{"quantity":{version}}}"#)).unwrap(),
        version,
        stamp: Stamp(7 + version),
        modified_at: Timestamp(9),
        device: "till-1".parse().unwrap(),
        deleted: false,
        fields: FieldVersions::default(),
    });
    let key = RecordKey { table: "product_stock".into(), id: "tea".into() };
    (push, marker, record.map(|record| (key, record)).into_iter().collect())
}

#[test]
fn a_record_that_began_anew_is_no_reason_to_read_again_for_ever() {
    // Its tombstone was kept for months, and went; somebody created it again, and the marker is still there.
    let later = Timestamp(10).plus_secs(90 * 24 * 3600);
    let (push, marker, records) = committed(Some(1));
    assert!(again(&push, &marker, &records, later).is_ok());
}

#[test]
fn records_read_before_their_commit_are_read_again() {
    let now = Timestamp(10);
    for (version, later) in [(Some(1), now), (None, now)] {
        let (push, marker, records) = committed(version);
        assert_eq!(again(&push, &marker, &records, later).unwrap_err(), NotAgain::Torn);
    }
    let (push, marker, records) = committed(None);
    let purged = again(&push, &marker, &records, now.plus_secs(2 * SURELY_THERE_SECS)).unwrap();
    assert!(purged.applied[0].data_omitted);
    let damaged = Marker { codes: "x".into(), ..marker };
    assert_eq!(again(&push, &damaged, &records, now).unwrap_err(), NotAgain::Damaged);
}

#[test]
fn a_sum_is_told_as_long_as_the_server_has_it_and_otherwise_left_out() {
    let (push, marker, records) = committed(Some(2));
    let answer = again(&push, &marker, &records, Timestamp(10)).unwrap();
    assert_eq!(answer.applied[0].data.as_ref().unwrap().as_str(), r#"{"quantity":2}"#);
    assert!(!answer.applied[0].data_omitted);
    let (push, marker, records) = committed(Some(3));
    let answer = again(&push, &marker, &records, Timestamp(10)).unwrap();
    assert!(answer.applied[0].data_omitted && answer.applied[0].data.is_none());
}
