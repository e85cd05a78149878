use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::*;
use crate::marker::Marker;
use crate::retention::Retention;

const NOW: Timestamp = Timestamp(1_765_103_400_000_000);

fn rules() -> Rules {
    Rules { tables: Tables::built_in().unwrap(), retention: Retention::default() }
}

fn request(change: impl FnOnce(&mut Value)) -> Value {
    let mut body = json!({ "device_id": "till-1", "batch_id": "r1", "table_name": "products", "record_id": "p1",
        "resolution": "accept_client", "client_data": { "price": 2 } });
    change(&mut body);
    body
}

fn parse_as(role: Role, change: impl FnOnce(&mut Value)) -> Result<Resolve, ApiError> {
    Resolve::parse(&rules().tables, role, request(change).to_string().as_bytes())
}

fn parse(change: impl FnOnce(&mut Value)) -> Resolve {
    parse_as(Role::Admin, change).unwrap()
}

/// A room that stands at 9 and holds the record in its version 3.
fn snapshot(table: &str, data: &str) -> Snapshot {
    let record = Record {
        data: JsonText::from_text(data.to_owned()).unwrap(),
        version: 3,
        stamp: Stamp(7),
        modified_at: Timestamp(6),
        device: "till-2".parse().unwrap(),
        deleted: false,
        fields: Default::default(),
    };
    let key = RecordKey { table: table.into(), id: "p1".into() };
    let head = crate::snapshot::Head { stamp: Stamp(9), ..Default::default() };
    Snapshot { head: Some(head), marker: None, records: BTreeMap::from([(key, record)]) }
}

fn known(resolved: Resolved) -> ResolveResponse {
    match resolved {
        Resolved::Known(answer) => answer,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_clients_side_is_written_over_whatever_version_there_is() {
    let body = request(|_| {}).to_string().replace(r#""price":2"#, r#""price":2.50"#);
    let resolve = Resolve::parse(&rules().tables, Role::Cashier, body.as_bytes()).unwrap();
    let resolved = resolve.decide(&rules(), &snapshot("products", r#"{"price":1.10}"#), NOW).unwrap();
    let Resolved::Write(agreed) = resolved else { panic!("{resolved:?}") };
    assert_eq!((agreed.plan.changes.len(), agreed.plan.puts[0].expected), (1, Some(3)));
    let answer = agreed.answer;
    assert_eq!((answer.version, answer.data.as_str()), (4, r#"{"price":2.50}"#));
    assert_eq!((answer.prev, answer.stamp), (Stamp(9), Stamp(NOW.0)));
    assert_eq!(answer.server_updated_at, NOW.to_string());
    assert!(agreed.push.batch.is_some() && !answer.is_deleted);
}

#[test]
fn the_servers_side_is_told_and_nothing_is_written() {
    let resolve = parse(|body| body["resolution"] = json!("accept_server"));
    let answer = known(resolve.decide(&rules(), &snapshot("products", r#"{"price":1.10}"#), NOW).unwrap());
    assert_eq!((answer.version, answer.data.as_str()), (3, r#"{"price":1.10}"#));
    assert_eq!(
        serde_json::to_string(&answer).unwrap(),
        r#"{"success":true,"table_name":"products","record_id":"p1","version":3,"data":{"price":1.10},"server_updated_at":"1970-01-01T00:00:00.000007Z","stamp":9,"prev":9,"cursor":"v1.9"}"#
    );
}

#[test]
fn a_deleted_record_can_be_brought_back_or_left_deleted() {
    let mut tombstone = snapshot("products", "{}");
    tombstone.records.values_mut().for_each(|record| record.deleted = true);
    let server = parse(|body| body["resolution"] = json!("accept_server"));
    assert!(known(server.decide(&rules(), &tombstone, NOW).unwrap()).is_deleted);
    let Resolved::Write(agreed) = parse(|_| {}).decide(&rules(), &tombstone, NOW).unwrap() else { panic!() };
    assert_eq!((agreed.answer.version, agreed.answer.is_deleted), (4, false));
}

#[test]
fn a_version_that_was_not_looked_at_is_answered_with_the_copy_of_now() {
    let stale = parse(|body| body["expected_version"] = json!(2));
    let refusal = stale.decide(&rules(), &snapshot("products", r#"{"price":1.10}"#), NOW).unwrap_err();
    assert_eq!(refusal.code, ErrorCode::VersionChanged);
    assert_eq!(
        refusal.details.unwrap().as_str(),
        r#"{"table_name":"products","record_id":"p1","version":3,"data":{"price":1.10},"is_deleted":false,"server_updated_at":"1970-01-01T00:00:00.000007Z"}"#
    );
    let fresh = parse(|body| body["expected_version"] = json!(3));
    assert!(fresh.decide(&rules(), &snapshot("products", "{}"), NOW).is_ok());
}

#[test]
fn what_the_policy_forbids_is_refused_and_leaves_no_letter() {
    let resolve = parse(|body| body["table_name"] = json!("cash_movements"));
    let refusal = resolve.decide(&rules(), &snapshot("cash_movements", r#"{"price":1}"#), NOW).unwrap_err();
    assert_eq!(refusal.code, ErrorCode::RecordRejected);
    assert_eq!(refusal.details.unwrap().as_str(), r#"{"code":"append_only"}"#);
}

#[test]
fn a_request_that_was_done_is_answered_again_and_another_of_its_name_is_not() {
    let resolve = parse(|_| {});
    let mut done = snapshot("products", r#"{"price":2}"#);
    let marker = |hash| Marker { hash, prev: Stamp(5), stamp: Stamp(7), codes: "a3".into() };
    done.marker = Some(marker(resolve.hash));
    let answer = known(resolve.decide(&rules(), &done, NOW).unwrap());
    assert_eq!((answer.version, answer.prev, answer.stamp), (3, Stamp(5), Stamp(7)));
    let others = [
        parse(|body| body["client_data"] = json!({ "price": 3 })),
        parse(|body| body["expected_version"] = json!(0)),
        parse(|body| body["resolution"] = json!("accept_server")),
    ];
    for other in others {
        assert_eq!(other.decide(&rules(), &done, NOW).unwrap_err().code, ErrorCode::BatchIdReused);
    }
}

#[test]
fn what_is_not_there_cannot_be_resolved() {
    let empty = Snapshot::default();
    assert_eq!(parse(|_| {}).decide(&rules(), &empty, NOW).unwrap_err().code, ErrorCode::RecordNotFound);
}

#[test]
fn a_request_that_cannot_be_decided_is_refused() {
    for (name, value, code) in [
        ("table_name", json!("nonsense"), ErrorCode::UnknownTable),
        ("record_id", json!(""), ErrorCode::BadRequest),
        ("resolution", json!("accept_both"), ErrorCode::BadRequest),
        ("client_data", json!(null), ErrorCode::BadRequest),
        ("client_data", json!([1]), ErrorCode::BadRequest),
        ("expected_version", json!(-1), ErrorCode::BadRequest),
        ("device_id", json!(""), ErrorCode::BadRequest),
        ("branch_id", json!("a#b"), ErrorCode::BadRequest),
    ] {
        let refusal = parse_as(Role::Admin, |body| body[name] = value).unwrap_err();
        assert_eq!(refusal.code, code, "{name}");
    }
    let settings = |body: &mut Value| body["table_name"] = json!("settings");
    assert_eq!(parse_as(Role::Cashier, settings).unwrap_err().code, ErrorCode::TableForbidden);
}
