use serde_json::json;

use super::*;
use crate::limits::{PUSH_RECORDS_MAX, RECORD_BYTES_MAX};
use crate::policy::field_merge::FieldVersions;
use crate::sync::outcome::Reason;
use crate::tables::Tables;
use crate::token::Role;

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
        modified_at: Micros(9),
        device: "till-2".parse().unwrap(),
        deleted: false,
        fields: FieldVersions::default(),
    };
    let lost = Outcome::Conflict { reason: Reason::NewerOnServer, server: Some(server) };
    let answer = build(&push, &vec![lost; PUSH_RECORDS_MAX], Stamp(9), Stamp(9), Micros(9));
    assert_eq!(answer.conflicts.len(), PUSH_RECORDS_MAX);
    assert!(!answer.conflicts[0].data_omitted && answer.conflicts[0].server_data.is_some());
    let last = &answer.conflicts[PUSH_RECORDS_MAX - 1];
    assert!(last.data_omitted && last.server_data.is_none() && last.local_data.is_none());
    assert_eq!(last.server_version, 2);
    let as_lambda_sends_it = serde_json::to_string(&serde_json::to_string(&answer).unwrap()).unwrap();
    assert!(as_lambda_sends_it.len() < 6_000_000, "{}", as_lambda_sends_it.len());
}
