use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::*;
use crate::marker::Marker;
use crate::tests::{record, rules};

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
        Resolved::Known(answer) => *answer,
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
        r#"{"success":true,"table_name":"products","record_id":"p1","version":3,"data":{"price":1.10},"server_updated_at":"1970-01-01T00:00:00.000007Z","record":{"table_name":"products","record_id":"p1","data":{"price":1.10},"version":3,"stamp":7,"server_updated_at":"1970-01-01T00:00:00.000007Z","is_deleted":false,"device_id":"till-2"},"stamp":9,"prev":9,"cursor":"p1.9.Zo_UbDiBxKM"}"#
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
        r#"{"table_name":"products","record_id":"p1","version":3,"data":{"price":1.10},"is_deleted":false,"server_updated_at":"1970-01-01T00:00:00.000007Z","stamp":7,"device_id":"till-2"}"#
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

/// The code of a resolution that is refused.
fn code(resolve: &Resolve, snapshot: &Snapshot) -> String {
    let error = resolve.decide(&rules(), snapshot, NOW).unwrap_err();
    assert_eq!(error.code, ErrorCode::RecordRejected);
    serde_json::from_str::<RejectionDetails>(error.details.unwrap().as_str()).unwrap().code
}

/// A resolution that stores `data` in `table`.
fn storing(role: Role, table: &str, data: &Value) -> Resolve {
    parse_as(role, |body| (body["table_name"], body["client_data"]) = (json!(table), data.clone())).unwrap()
}

/// The data that the resolution stores.
fn stored(resolve: &Resolve, snapshot: &Snapshot) -> String {
    match resolve.decide(&rules(), snapshot, NOW).unwrap() {
        Resolved::Write(allowed) => allowed.response.data.as_str().to_owned(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_resolution_that_cannot_be_applied_whole_is_refused() {
    let stock = snapshot("product_stock", r#"{"quantity":"abc","shelf":"A"}"#);
    let plain = json!({ "quantity": 5, "shelf": "B" });
    assert_eq!(code(&storing(Role::Admin, "product_stock", &plain), &stock), "delta_required");
    let same = json!({ "quantity": "abc", "shelf": "B" });
    assert_eq!(stored(&storing(Role::Admin, "product_stock", &same), &stock), same.to_string());
    let without = json!({ "shelf": "B" });
    let kept = stored(&storing(Role::Cashier, "product_stock", &without), &stock);
    assert_eq!(kept, r#"{"shelf":"B","quantity":"abc"}"#, "a sum that is not sent stays");
    let shift = snapshot("shifts", r#"{"status":"closed"}"#);
    assert_eq!(code(&storing(Role::Admin, "shifts", &json!({ "status": "open" })), &shift), "bad_transition");
}

#[test]
fn a_resolution_may_repair_a_sum_and_a_state() {
    let stock = snapshot("product_stock", r#"{"quantity":"abc","shelf":"A"}"#);
    let set = json!({ "quantity": { "$set": "5" }, "shelf": "B" });
    assert_eq!(code(&storing(Role::Cashier, "product_stock", &set), &stock), "forbidden");
    let repaired = stored(&storing(Role::Manager, "product_stock", &set), &stock);
    assert_eq!(repaired, r#"{"quantity":"5","shelf":"B"}"#);
    let shift = snapshot("shifts", r#"{"status":"lost"}"#);
    let closed = json!({ "status": "closed" });
    assert_eq!(code(&storing(Role::Cashier, "shifts", &closed), &shift), "bad_transition");
    assert_eq!(stored(&storing(Role::Manager, "shifts", &closed), &shift), closed.to_string());
}

#[test]
fn a_resolution_is_refused_where_only_the_floor_would_be_stored() {
    let text = "[product_stock]\npolicy = \"manual\"\n[product_stock.fields.quantity]\npolicy = \"additive\"\n\
                floor = \"0\"\nbelow = \"clamp\"\n";
    let rules = SyncRules { tables: Tables::parse(text).unwrap(), ..rules() };
    let resolve = storing(Role::Manager, "product_stock", &json!({ "quantity": { "$set": "-1" } }));
    let error = resolve.decide(&rules, &snapshot("product_stock", r#"{"quantity":2}"#), NOW).unwrap_err();
    assert_eq!(error.details.unwrap().as_str(), r#"{"code":"below_floor"}"#);
}
