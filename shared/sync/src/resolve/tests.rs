use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::*;
use crate::marker::Marker;
use crate::testing::{record, rules};

const NOW: Timestamp = Timestamp(1_765_103_400_000_000);

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

/// A room at stamp 9 with version 3 of the record.
fn snapshot(table: &str, data: &str) -> Snapshot {
    let record = record(data, 3, 7);
    let key = RecordKey { table: table.into(), id: "p1".into() };
    let head = crate::snapshot::Head { stamp: Stamp(9), ..Default::default() };
    Snapshot { head: Some(head), records: BTreeMap::from([(key, record)]), ..Snapshot::default() }
}

fn known(resolved: Resolved) -> ResolveResponse {
    match resolved {
        Resolved::Known(answer) => answer,
        other => panic!("{other:?}"),
    }
}

#[test]
fn accepting_the_client_writes_over_the_current_version() {
    let body = request(|_| {}).to_string().replace(r#""price":2"#, r#""price":2.50"#);
    let resolve = Resolve::parse(&rules().tables, Role::Cashier, body.as_bytes()).unwrap();
    let resolved = resolve.decide(&rules(), &snapshot("products", r#"{"price":1.10}"#), NOW).unwrap();
    let Resolved::Write(allowed) = resolved else { panic!("{resolved:?}") };
    assert_eq!((allowed.plan.changes.len(), allowed.plan.puts[0].expected), (1, Some(3)));
    let answer = allowed.response;
    assert_eq!((answer.version, answer.data.as_str()), (4, r#"{"price":2.50}"#));
    assert_eq!((answer.prev, answer.stamp), (Stamp(9), Stamp(NOW.0)));
    assert_eq!(answer.server_updated_at, NOW.to_string());
    assert!(allowed.push.batch.is_some() && !answer.is_deleted);
}

#[test]
fn accepting_the_server_writes_nothing() {
    let resolve = parse(|body| body["resolution"] = json!("accept_server"));
    let answer = known(resolve.decide(&rules(), &snapshot("products", r#"{"price":1.10}"#), NOW).unwrap());
    assert_eq!((answer.version, answer.data.as_str()), (3, r#"{"price":1.10}"#));
    assert_eq!(
        serde_json::to_string(&answer).unwrap(),
        r#"{"success":true,"table_name":"products","record_id":"p1","version":3,"data":{"price":1.10},"server_updated_at":"1970-01-01T00:00:00.000007Z","stamp":9,"prev":9,"cursor":"v1.9"}"#
    );
}

#[test]
fn a_deleted_record_can_be_restored_or_left_deleted() {
    let mut tombstone = snapshot("products", "{}");
    tombstone.records.values_mut().for_each(|record| record.deleted = true);
    let server = parse(|body| body["resolution"] = json!("accept_server"));
    assert!(known(server.decide(&rules(), &tombstone, NOW).unwrap()).is_deleted);
    let Resolved::Write(allowed) = parse(|_| {}).decide(&rules(), &tombstone, NOW).unwrap() else { panic!() };
    assert_eq!((allowed.response.version, allowed.response.is_deleted), (4, false));
}

#[test]
fn an_unexpected_version_is_refused_with_the_current_record() {
    let stale = parse(|body| body["expected_version"] = json!(2));
    let error = stale.decide(&rules(), &snapshot("products", r#"{"price":1.10}"#), NOW).unwrap_err();
    assert_eq!(error.code, ErrorCode::VersionChanged);
    assert_eq!(
        error.details.unwrap().as_str(),
        r#"{"table_name":"products","record_id":"p1","version":3,"data":{"price":1.10},"is_deleted":false,"server_updated_at":"1970-01-01T00:00:00.000007Z"}"#
    );
    let fresh = parse(|body| body["expected_version"] = json!(3));
    assert!(fresh.decide(&rules(), &snapshot("products", "{}"), NOW).is_ok());
}

#[test]
fn a_write_that_the_policy_forbids_is_refused() {
    let resolve = parse(|body| body["table_name"] = json!("cash_movements"));
    let error = resolve.decide(&rules(), &snapshot("cash_movements", r#"{"price":1}"#), NOW).unwrap_err();
    assert_eq!(error.code, ErrorCode::RecordRejected);
    assert_eq!(error.details.unwrap().as_str(), r#"{"code":"append_only"}"#);
}

#[test]
fn a_retry_is_answered_and_another_request_with_its_id_refused() {
    let resolve = parse(|_| {});
    let mut done = snapshot("products", r#"{"price":2}"#);
    let marker = |hash| Marker { hash, prev: Stamp(5), stamp: Stamp(7), codes: "a3".into(), user: None };
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
fn a_missing_record_is_refused() {
    let empty = Snapshot::default();
    assert_eq!(parse(|_| {}).decide(&rules(), &empty, NOW).unwrap_err().code, ErrorCode::RecordNotFound);
}

#[test]
fn an_invalid_request_is_refused() {
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
        let error = parse_as(Role::Admin, |body| body[name] = value).unwrap_err();
        assert_eq!(error.code, code, "{name}");
    }
    let settings = |body: &mut Value| body["table_name"] = json!("settings");
    assert_eq!(parse_as(Role::Cashier, settings).unwrap_err().code, ErrorCode::TableForbidden);
}
