use super::{data, text};
use crate::stamp::Stamp;
use crate::wire::record::{BatchGet, BatchGetResponse, RecordName, RecordResponse};

fn record() -> RecordResponse {
    RecordResponse {
        table_name: "products".into(),
        record_id: "p-1".into(),
        data: data(r#"{"price":1.10}"#),
        version: 3,
        stamp: Stamp(1_765_103_401_000_123),
        server_updated_at: "2025-12-07T10:30:01.000123Z".into(),
    }
}

const RECORD: &str = r#"{"table_name":"products","record_id":"p-1","data":{"price":1.10},"version":3,"stamp":1765103401000123,"server_updated_at":"2025-12-07T10:30:01.000123Z"}"#;

#[test]
fn one_record() {
    assert_eq!(text(&record()), RECORD);
}

#[test]
fn several_records() {
    let name = RecordName { table_name: "products".into(), record_id: "p-2".into() };
    let asked = BatchGet { records: vec![name.clone()] };
    assert_eq!(text(&asked), r#"{"records":[{"table_name":"products","record_id":"p-2"}]}"#);
    let answer = BatchGetResponse { records: vec![record()], missing: vec![name] };
    let missing = r#"[{"table_name":"products","record_id":"p-2"}]"#;
    assert_eq!(text(&answer), format!(r#"{{"records":[{RECORD}],"missing":{missing}}}"#));
}
