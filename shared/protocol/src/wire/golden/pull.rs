use super::{data, text};
use crate::record::Operation;
use crate::stamp::{Stamp, cursor};
use crate::wire::pull::{CHANGES, ChangeBody, PullResponse, SNAPSHOT};

#[test]
fn the_answer_to_a_pull() {
    let change = ChangeBody {
        table_name: "products".into(),
        record_id: "p1".into(),
        data: data(r#"{"price":1.10}"#),
        version: 4,
        stamp: Stamp(9),
        server_updated_at: Stamp(9).time().to_string(),
        operation: Operation::Delete,
        is_deleted: true,
        device_id: "till-1".into(),
        branch_id: "2".into(),
    };
    let answer = PullResponse {
        changes: vec![change],
        has_more: false,
        next_cursor: cursor(Stamp(9)),
        stamp: Stamp(9),
        mode: CHANGES.into(),
        snapshot_id: None,
        branch_id: None,
    };
    let expected = [
        r#"{"changes":[{"table_name":"products","record_id":"p1","data":{"price":1.10},"version":4,"stamp":9,"#,
        r#""server_updated_at":"1970-01-01T00:00:00.000009Z","operation":"delete","is_deleted":true,"device_id":"till-1","branch_id":"2"}],"#,
        r#""has_more":false,"next_cursor":"v1.9","stamp":9,"mode":"changes"}"#,
    ];
    assert_eq!(text(&answer), expected.concat());
    let snapshot = PullResponse {
        changes: Vec::new(),
        has_more: true,
        next_cursor: "s1.9.11.".into(),
        mode: SNAPSHOT.into(),
        snapshot_id: Some("9-11".into()),
        branch_id: Some("2".into()),
        ..answer
    };
    let expected = r#"{"changes":[],"has_more":true,"next_cursor":"s1.9.11.","stamp":9,"mode":"snapshot","snapshot_id":"9-11","branch_id":"2"}"#;
    assert_eq!(text(&snapshot), expected);
}
