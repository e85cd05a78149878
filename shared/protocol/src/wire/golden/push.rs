use super::{data, text};
use crate::stamp::{Stamp, cursor};
use crate::wire::push::{AppliedBody, ConflictBody, PushBody, PushResponse, RecordBody, RecordError};

const STAMP: Stamp = Stamp(1_765_103_401_000_123);

fn applied() -> AppliedBody {
    AppliedBody {
        index: 0,
        table_name: "products".into(),
        record_id: "p1".into(),
        version: 4,
        server_updated_at: STAMP.time().to_string(),
        stamp: STAMP,
        data: None,
        data_omitted: false,
        flags: Vec::new(),
    }
}

fn conflict() -> ConflictBody {
    ConflictBody {
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
fn what_was_applied() {
    let plain = r#"{"index":0,"table_name":"products","record_id":"p1","version":4,"server_updated_at":"2025-12-07T10:30:01.000123Z","stamp":1765103401000123"#;
    assert_eq!(text(&applied()), format!("{plain}}}"));
    let merged = AppliedBody { data: Some(data(r#"{"price":1.10}"#)), ..applied() };
    assert_eq!(text(&merged), format!(r#"{plain},"data":{{"price":1.10}}}}"#));
    let sum = AppliedBody {
        data: Some(data(r#"{"quantity":-2.50}"#)),
        flags: vec!["below_floor".into(), "clock_clamped".into()],
        ..applied()
    };
    assert_eq!(
        text(&sum),
        format!(r#"{plain},"data":{{"quantity":-2.50}},"flags":["below_floor","clock_clamped"]}}"#)
    );
}

#[test]
fn what_was_not() {
    let begin = r#"{"index":1,"table_name":"products","record_id":"p2","reason":"#;
    assert_eq!(
        text(&conflict()),
        format!(
            r#"{begin}"deleted_on_server","local_data":null,"server_data":null,"local_updated_at":"2025-12-07T10:30:00Z","server_updated_at":null,"server_version":0}}"#
        )
    );
    let merged = ConflictBody {
        reason: "fields_conflict".into(),
        local_data: Some(data(r#"{"price":1.20}"#)),
        server_data: Some(data(r#"{"name":"A","price":1.10}"#)),
        server_updated_at: Some(STAMP.time().to_string()),
        server_version: 5,
        ..conflict()
    };
    assert_eq!(
        text(&merged),
        format!(
            r#"{begin}"fields_conflict","local_data":{{"price":1.20}},"server_data":{{"name":"A","price":1.10}},"local_updated_at":"2025-12-07T10:30:00Z","server_updated_at":"2025-12-07T10:30:01.000123Z","server_version":5}}"#
        )
    );
    let omitted = ConflictBody { data_omitted: true, ..conflict() };
    assert!(text(&omitted).ends_with(r#""server_version":0,"data_omitted":true}"#));
    let error = RecordError {
        index: 2,
        table_name: None,
        record_id: None,
        code: "malformed".into(),
        message: "m".into(),
    };
    assert_eq!(
        text(&error),
        r#"{"index":2,"table_name":null,"record_id":null,"code":"malformed","message":"m"}"#
    );
}

#[test]
fn the_answer() {
    let answer = PushResponse {
        success: true,
        synced_count: 0,
        conflicts: Vec::new(),
        errors: Vec::new(),
        applied: Vec::new(),
        prev: Stamp(7),
        stamp: Stamp(9),
        cursor: cursor(Stamp(9)),
        server_time: STAMP.time().to_string(),
    };
    assert_eq!(
        text(&answer),
        r#"{"success":true,"synced_count":0,"conflicts":[],"errors":[],"applied":[],"prev":7,"stamp":9,"cursor":"v1.9","server_time":"2025-12-07T10:30:01.000123Z"}"#
    );
}

#[test]
fn a_batch_as_tills_of_today_send_it_and_the_least_that_is_taken() {
    let record = RecordBody {
        table_name: "products".into(),
        record_id: "p1".into(),
        data: Some(data(r#"{"price":1.10}"#)),
        local_updated_at: "2025-12-07T10:30:00Z".into(),
        is_deleted: false,
        base_version: Some(0),
        fields: Some(vec!["price".into()]),
    };
    let batch = PushBody {
        device_id: "till-1".into(),
        batch_id: Some("b1".into()),
        atomic: true,
        device_time: Some("2025-12-07T10:30:00Z".into()),
        branch_id: Some("2".into()),
        records: vec![record],
    };
    assert_eq!(
        text(&batch),
        r#"{"device_id":"till-1","batch_id":"b1","atomic":true,"device_time":"2025-12-07T10:30:00Z","branch_id":"2","records":[{"table_name":"products","record_id":"p1","data":{"price":1.10},"local_updated_at":"2025-12-07T10:30:00Z","is_deleted":false,"base_version":0,"fields":["price"]}]}"#
    );
    let least = r#"{"device_id":"d","records":[{"table_name":"t","record_id":"r","local_updated_at":"x"}]}"#;
    let read: PushBody = serde_json::from_str(least).unwrap();
    assert_eq!((read.batch_id, read.atomic, read.device_time, read.branch_id), (None, false, None, None));
    let record = &read.records[0];
    assert_eq!((record.base_version, record.is_deleted, &record.fields), (None, false, &None));
    assert_eq!(record.data, None);
}
