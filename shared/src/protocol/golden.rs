//! The exact text of every shape that clients see. A change here is a change of the wire, and of PROTOCOL.md.

use serde::Serialize;
use serde_json::json;

use super::auth::{Me, Session, User};
use super::failure::Failure;
use super::pull::{CHANGES, ChangeBody, PullAnswer, SNAPSHOT};
use super::push::{AppliedBody, ConflictBody, PushAnswer, RecordError};
use crate::cursor::Cursor;
use crate::cursor::walk::Walk;
use crate::error::{Code, Refusal};
use crate::json::JsonText;
use crate::record::Operation;
use crate::stamp::{Stamp, cursor};
use crate::token::Role;

fn data(text: &str) -> JsonText {
    JsonText::from_text(text.to_owned()).unwrap()
}

fn text(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap()
}

fn user(branch: Option<&str>) -> User {
    let branch_id = branch.map(|id| id.parse().unwrap());
    User {
        id: "u1".into(),
        username: "till-1".into(),
        role: Role::Cashier,
        client_id: "1".parse().unwrap(),
        branch_id,
    }
}

#[test]
fn a_session_and_me() {
    let session = Session {
        access_token: "a".into(),
        refresh_token: "r".into(),
        expires_in: 900,
        user: user(Some("2")),
    };
    let who = r#"{"id":"u1","username":"till-1","role":"cashier","client_id":"1","branch_id":"2"}"#;
    assert_eq!(
        text(&session),
        format!(r#"{{"accessToken":"a","refreshToken":"r","expiresIn":900,"user":{who}}}"#)
    );
    let boss = User { role: Role::SuperAdmin, ..user(None) };
    let me = Me { user: boss, permissions: vec!["sync:push".into()] };
    let who = r#"{"id":"u1","username":"till-1","role":"super_admin","client_id":"1","branch_id":null}"#;
    assert_eq!(text(&me), format!(r#"{{"user":{who},"permissions":["sync:push"]}}"#));
}

#[test]
fn the_answer_to_a_push() {
    let applied = AppliedBody {
        index: 0,
        table_name: "products".into(),
        record_id: "p1".into(),
        version: 4,
        server_updated_at: Stamp(1_765_103_401_000_123).time().to_string(),
        stamp: Stamp(1_765_103_401_000_123),
        data: None,
        flags: Vec::new(),
    };
    let merged = AppliedBody { data: Some(data(r#"{"price":1.10}"#)), ..applied.clone() };
    let conflict = ConflictBody {
        index: 1,
        table_name: "products".into(),
        record_id: "p2".into(),
        reason: "newer_on_server".into(),
        local_data: None,
        server_data: Some(data("{}")),
        local_updated_at: "2025-12-07T10:30:00Z".into(),
        server_updated_at: None,
        server_version: 0,
        data_omitted: false,
    };
    let error = RecordError {
        index: 2,
        table_name: None,
        record_id: None,
        code: "malformed".into(),
        message: "m".into(),
    };
    let answer = PushAnswer {
        success: true,
        synced_count: 2,
        conflicts: vec![conflict],
        errors: vec![error],
        applied: vec![applied, merged],
        prev: Stamp(7),
        stamp: Stamp(9),
        cursor: cursor(Stamp(9)),
        server_time: "2025-12-07T10:30:01.000123Z".into(),
    };
    let one = r#""index":0,"table_name":"products","record_id":"p1","version":4,"server_updated_at":"2025-12-07T10:30:01.000123Z","stamp":1765103401000123"#;
    let expected = [
        r#"{"success":true,"synced_count":2,"#,
        r#""conflicts":[{"index":1,"table_name":"products","record_id":"p2","reason":"newer_on_server","local_data":null,"server_data":{},"#,
        r#""local_updated_at":"2025-12-07T10:30:00Z","server_updated_at":null,"server_version":0}],"#,
        r#""errors":[{"index":2,"table_name":null,"record_id":null,"code":"malformed","message":"m"}],"#,
        &format!(r#""applied":[{{{one}}},{{{one},"data":{{"price":1.10}}}}],"#),
        r#""prev":7,"stamp":9,"cursor":"v1.9","server_time":"2025-12-07T10:30:01.000123Z"}"#,
    ];
    assert_eq!(text(&answer), expected.concat());
}

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
    let answer = PullAnswer {
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
    let walk = Walk { noted: Stamp(9), started: Stamp(11).time(), after: None };
    let snapshot = PullAnswer {
        changes: Vec::new(),
        has_more: true,
        next_cursor: Cursor::Walk(walk.clone()).to_string(),
        mode: SNAPSHOT.into(),
        snapshot_id: Some(walk.snapshot_id()),
        branch_id: Some("2".into()),
        ..answer
    };
    let expected = r#"{"changes":[],"has_more":true,"next_cursor":"s1.9.11.","stamp":9,"mode":"snapshot","snapshot_id":"9-11","branch_id":"2"}"#;
    assert_eq!(text(&snapshot), expected);
}

#[test]
fn an_error() {
    let plain = Refusal::new(Code::NotFound, "There is nothing at this address.");
    assert_eq!(
        Failure::new(&plain, "r1").to_json(),
        r#"{"error":{"code":"not_found","message":"There is nothing at this address.","request_id":"r1"}}"#
    );
    let detailed = plain.with_details(&json!({"limit": 50}));
    assert!(
        Failure::new(&detailed, "r1").to_json().ends_with(r#""request_id":"r1","details":{"limit":50}}}"#)
    );
}
