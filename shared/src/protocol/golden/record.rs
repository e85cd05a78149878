use super::{data, text};
use crate::protocol::record::RecordAnswer;
use crate::stamp::Stamp;

#[test]
fn one_record() {
    let record = RecordAnswer {
        table_name: "products".into(),
        record_id: "p-1".into(),
        data: data(r#"{"price":1.10}"#),
        version: 3,
        stamp: Stamp(1_765_103_401_000_123),
        server_updated_at: "2025-12-07T10:30:01.000123Z".into(),
    };
    assert_eq!(
        text(&record),
        r#"{"table_name":"products","record_id":"p-1","data":{"price":1.10},"version":3,"stamp":1765103401000123,"server_updated_at":"2025-12-07T10:30:01.000123Z"}"#
    );
}
