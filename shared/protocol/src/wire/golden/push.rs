//! Pushes.

use super::{AT, STAMP, data, pin, text};
use crate::stamp::{Stamp, cursor};
use crate::wire::push::{AppliedRecord, Conflict, PushRecord, PushRequest, PushResponse, RejectedRecord};

fn applied() -> AppliedRecord {
    AppliedRecord {
        index: 0,
        table_name: "products".into(),
        record_id: "p1".into(),
        version: 4,
        server_updated_at: AT.into(),
        stamp: STAMP,
        data: None,
        data_omitted: false,
        flags: Vec::new(),
    }
}

fn conflict() -> Conflict {
    Conflict {
        index: 1,
        table_name: "products".into(),
        record_id: "p2".into(),
        reason: "deleted_on_server".into(),
        local_data: None,
        server_data: None,
        local_updated_at: "2025-12-07T10:30:00Z".into(),
        server_updated_at: None,
        server_version: 0,
        server_is_deleted: false,
        data_omitted: false,
    }
}

#[test]
fn push_responses() {
    let sum = AppliedRecord {
        data: Some(data(r#"{"quantity":-2.50}"#)),
        flags: vec!["below_floor".into(), "clock_clamped".into()],
        ..applied()
    };
    let merged = Conflict {
        reason: "fields_conflict".into(),
        local_data: Some(data(r#"{"price":1.20}"#)),
        server_data: Some(data(r#"{"name":"A","price":1.10}"#)),
        server_updated_at: Some(AT.into()),
        server_version: 5,
        ..conflict()
    };
    let (code, message) = ("malformed".into(), "m".into());
    let response = PushResponse {
        success: true,
        synced_count: 0,
        conflicts: Vec::new(),
        errors: Vec::new(),
        applied: Vec::new(),
        prev: Stamp(7),
        stamp: Stamp(9),
        cursor: cursor(Stamp(9)),
        server_time: AT.into(),
    };
    let values = [
        text(&applied()),
        text(&AppliedRecord { data: Some(data(r#"{"price":1.10}"#)), ..applied() }),
        text(&sum),
        text(&AppliedRecord { data_omitted: true, ..applied() }),
        text(&conflict()),
        text(&merged),
        text(&Conflict { data_omitted: true, ..conflict() }),
        text(&Conflict { server_is_deleted: true, ..conflict() }),
        text(&RejectedRecord { index: 2, table_name: None, record_id: None, code, message }),
        text(&response),
    ];
    pin(include_str!("push_responses.jsonl"), &values);
}

#[test]
fn a_push_request_and_the_smallest_one_accepted() {
    let record = PushRecord {
        table_name: "products".into(),
        record_id: "p1".into(),
        data: Some(data(r#"{"price":1.10}"#)),
        local_updated_at: "2025-12-07T10:30:00Z".into(),
        is_deleted: false,
        base_version: Some(0),
        fields: Some(vec!["price".into()]),
    };
    let batch = PushRequest {
        device_id: "till-1".into(),
        batch_id: Some("b1".into()),
        atomic: true,
        device_time: Some("2025-12-07T10:30:00Z".into()),
        branch_id: Some("2".into()),
        records: vec![record],
    };
    pin(include_str!("push_request.jsonl"), &[text(&batch)]);
    let least = r#"{"device_id":"d","records":[{"table_name":"t","record_id":"r","local_updated_at":"x"}]}"#;
    let read: PushRequest = serde_json::from_str(least).unwrap();
    assert_eq!((read.batch_id, read.atomic, read.device_time, read.branch_id), (None, false, None, None));
    let record = &read.records[0];
    assert_eq!((record.base_version, record.is_deleted, &record.fields), (None, false, &None));
    assert_eq!(record.data, None);
}
