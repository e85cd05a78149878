use super::{data, text};
use crate::stamp::{Stamp, cursor};
use crate::wire::resolve::{CurrentCopy, Resolution, ResolveBody, ResolveResponse};

#[test]
fn a_request() {
    let body = ResolveBody {
        device_id: "till-1".into(),
        batch_id: Some("b1".into()),
        branch_id: Some("2".into()),
        table_name: "products".into(),
        record_id: "p1".into(),
        resolution: Resolution::AcceptClient,
        client_data: Some(data(r#"{"price":1.10}"#)),
        expected_version: Some(4),
    };
    assert_eq!(
        text(&body),
        r#"{"device_id":"till-1","batch_id":"b1","branch_id":"2","table_name":"products","record_id":"p1","resolution":"accept_client","client_data":{"price":1.10},"expected_version":4}"#
    );
    let server = ResolveBody {
        batch_id: None,
        branch_id: None,
        resolution: Resolution::AcceptServer,
        client_data: None,
        expected_version: None,
        ..body
    };
    assert_eq!(
        text(&server),
        r#"{"device_id":"till-1","table_name":"products","record_id":"p1","resolution":"accept_server"}"#
    );
}

#[test]
fn the_answer_and_the_copy_of_a_refusal() {
    let answer = ResolveResponse {
        success: true,
        table_name: "products".into(),
        record_id: "p1".into(),
        version: 5,
        data: data(r#"{"price":1.10}"#),
        is_deleted: false,
        server_updated_at: Stamp(9).time().to_string(),
        stamp: Stamp(9),
        prev: Stamp(7),
        cursor: cursor(Stamp(9)),
    };
    let begin =
        r#"{"success":true,"table_name":"products","record_id":"p1","version":5,"data":{"price":1.10},"#;
    let end = r#""server_updated_at":"1970-01-01T00:00:00.000009Z","stamp":9,"prev":7,"cursor":"v1.9"}"#;
    assert_eq!(text(&answer), format!("{begin}{end}"));
    let deleted = ResolveResponse { is_deleted: true, ..answer };
    assert_eq!(text(&deleted), format!(r#"{begin}"is_deleted":true,{end}"#));
    let copy = CurrentCopy {
        table_name: "products".into(),
        record_id: "p1".into(),
        version: 5,
        data: data(r#"{"price":1.10}"#),
        is_deleted: false,
        server_updated_at: Stamp(9).time().to_string(),
    };
    assert_eq!(
        text(&copy),
        r#"{"table_name":"products","record_id":"p1","version":5,"data":{"price":1.10},"is_deleted":false,"server_updated_at":"1970-01-01T00:00:00.000009Z"}"#
    );
}
