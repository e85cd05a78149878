mod records;

use serde_json::json;

use super::*;
use crate::limits::{DEAD_PAYLOAD_BYTES_MAX, RECORD_SURPLUS_BYTES};
use protocol::json::object::Object;
use protocol::limits::{DEVICE_ID_BYTES_MAX, RECORD_BYTES_MAX};
use protocol::role::Role;
use protocol::wire::outcome::RejectionCode;

fn parse(body: &str) -> Result<Push, ApiError> {
    Push::parse(&Tables::built_in().unwrap(), Role::Cashier, body.as_bytes())
}

fn record(change: impl FnOnce(&mut serde_json::Value)) -> serde_json::Value {
    let mut record = json!({
        "table_name": "products", "record_id": "p1", "data": {"name": "A"}, "local_updated_at": "2025-12-07T10:30:00Z",
    });
    change(&mut record);
    record
}

fn push(records: &[serde_json::Value]) -> Result<Push, ApiError> {
    parse(&json!({"device_id": "till-1", "batch_id": "b", "records": records}).to_string())
}

/// How a test changes a valid record.
type Change = fn(&mut serde_json::Value);

fn rejected(change: impl FnOnce(&mut serde_json::Value)) -> RejectionCode {
    let push = push(&[record(change)]).unwrap();
    push.records[0].write.clone().unwrap_err().code
}

#[test]
fn a_valid_push_is_parsed() {
    let push = push(&[record(|r| r["base_version"] = 3.into())]).unwrap();
    let write = push.records[0].write.as_ref().unwrap();
    assert_eq!((write.base, write.deleted), (Some(3), false));
    assert_eq!(write.data.as_ref().unwrap().as_str(), r#"{"name":"A"}"#);
}

#[test]
fn a_bad_envelope_fails_the_request() {
    let cases = [
        ("", ErrorCode::BadJson),
        ("{", ErrorCode::BadJson),
        ("[]", ErrorCode::BadRequest),
        (r#"{"records":[]}"#, ErrorCode::BadRequest),
        (r#"{"device_id":5,"records":[]}"#, ErrorCode::BadRequest),
        (r#"{"device_id":"","records":[]}"#, ErrorCode::BadRequest),
        (r#"{"device_id":"d","records":{}}"#, ErrorCode::BadRequest),
        (r#"{"device_id":"d","atomic":"yes","records":[]}"#, ErrorCode::BadRequest),
        (r#"{"device_id":"d","batch_id":"","records":[]}"#, ErrorCode::BadRequest),
        (r#"{"device_id":"d","device_seq":-1,"records":[]}"#, ErrorCode::BadRequest),
        (r#"{"device_id":"d","device_seq":1.5,"records":[]}"#, ErrorCode::BadRequest),
        (r#"{"device_id":"d","base_stamp":-1,"records":[]}"#, ErrorCode::BadRequest),
        (r#"{"device_id":"d","base_stamp":"2025-12-07T10:30:00Z","records":[]}"#, ErrorCode::BadRequest),
        (&"[".repeat(10_000), ErrorCode::BadRequest),
    ];
    for (body, code) in cases {
        assert_eq!(parse(body).unwrap_err().code, code, "{body}");
    }
    assert_eq!(
        Push::parse(&Tables::built_in().unwrap(), Role::Cashier, b"\xff").unwrap_err().code,
        ErrorCode::BadJson
    );
}

#[test]
fn a_bad_record_fails_only_itself() {
    let cases: [(Change, RejectionCode); 14] = [
        (|r| *r = json!(5), RejectionCode::Malformed),
        (|r| r["data"] = json!(null), RejectionCode::Malformed),
        (|r| r["data"] = json!([1]), RejectionCode::Malformed),
        (|r| r["is_deleted"] = json!("no"), RejectionCode::Malformed),
        (|r| r["base_version"] = json!(-1), RejectionCode::Malformed),
        (|r| drop(r.as_object_mut().unwrap().remove("record_id")), RejectionCode::Malformed),
        (|r| r["table_name"] = json!("nonsense"), RejectionCode::UnknownTable),
        (|r| r["record_id"] = json!(""), RejectionCode::BadRecordId),
        (|r| r["record_id"] = json!("a\nb"), RejectionCode::BadRecordId),
        (|r| r["record_id"] = json!("x".repeat(300)), RejectionCode::BadRecordId),
        (|r| r["record_id"] = json!("."), RejectionCode::BadRecordId),
        (|r| r["record_id"] = json!(".."), RejectionCode::BadRecordId),
        (|r| r["local_updated_at"] = json!("yesterday"), RejectionCode::BadTime),
        (|r| r["data"]["x"] = json!("x".repeat(RECORD_BYTES_MAX)), RejectionCode::RecordTooLarge),
    ];
    for (change, code) in cases {
        assert_eq!(rejected(change), code);
    }
    let two = push(&[record(|r| r["table_name"] = json!("nonsense")), record(|_| {})]).unwrap();
    assert!(two.records[0].write.is_err() && two.records[1].write.is_ok());
    assert_eq!(two.records[0].table.as_deref(), Some("nonsense"));
}

#[test]
fn a_record_whose_id_no_url_can_hold_may_be_deleted() {
    let delete = |r: &mut serde_json::Value| (r["record_id"], r["is_deleted"]) = (json!(".."), json!(true));
    assert!(push(&[record(delete)]).unwrap().records[0].write.is_ok());
}

/// A push of one record, given as text.
fn spelled(record: &str) -> Push {
    parse(&format!(r#"{{"device_id":"d","records":[{record}]}}"#)).unwrap()
}

#[test]
fn a_base_version_is_an_integer_however_it_is_written() {
    for (text, base) in [("3", 3), ("3.0", 3), ("30e-1", 3), ("-0", 0), ("0.0", 0)] {
        let whole = record(|r| r["base_version"] = json!(7)).to_string();
        let push = spelled(&whole.replace("\"base_version\":7", &format!("\"base_version\": {text}")));
        assert_eq!(push.records[0].write.as_ref().unwrap().base, Some(base), "{text}");
    }
    assert_eq!(rejected(|r| r["base_version"] = json!(1.5)), RejectionCode::Malformed);
}

#[test]
fn names_may_be_escaped_and_of_two_members_of_data_the_last_counts() {
    let push = spelled(
        r#"{"table_n\u0061me":"pr\u006fducts","record_id":"a\/b","data":{"n":1,"\u006e":2},
            "fields":["\u006e"],"local_updated_at":"2025-12-07T10:30:00Z"}"#,
    );
    let write = push.records[0].write.as_ref().unwrap();
    assert_eq!((write.key.table.as_str(), write.key.id.as_str()), ("products", "a/b"));
    assert_eq!(write.fields.as_deref(), Some(["n".to_owned()].as_slice()));
    let data = write.data.as_ref().unwrap();
    assert_eq!(data.as_str(), r#"{"n":1,"\u006e":2}"#, "kept as it was sent");
    assert_eq!(Object::parse(data).unwrap().get("n").unwrap().as_str(), "2");
}

#[test]
fn a_member_of_the_request_itself_may_not_come_twice() {
    let twice = r#"{"device_id":"d","device_id":"e","records":[]}"#;
    assert_eq!(parse(twice).unwrap_err().code, ErrorCode::BadRequest);
    let push = spelled(
        r#"{"table_name":"products","record_id":"p","record_id":"q","data":{},
            "local_updated_at":"2025-12-07T10:30:00Z"}"#,
    );
    assert_eq!(push.records[0].write.clone().unwrap_err().code, RejectionCode::Malformed);
}

#[test]
fn the_error_of_a_malformed_record_names_it() {
    let push = push(&[record(|r| r["is_deleted"] = json!(7))]).unwrap();
    assert_eq!(push.records[0].table.as_deref(), Some("products"));
    assert_eq!(push.records[0].id.as_deref(), Some("p1"));
}

#[test]
fn a_record_nested_ten_thousand_levels_deep_is_rejected() {
    let data = format!("{}1{}", r#"{"a":"#.repeat(10_000), "}".repeat(10_000));
    let body = format!(
        r#"{{"device_id":"d","records":[{{"table_name":"products","record_id":"p","data":{data},"local_updated_at":"2025-12-07T10:30:00Z"}}]}}"#
    );
    assert_eq!(parse(&body).unwrap().records[0].write.clone().unwrap_err().code, RejectionCode::TooDeep);
}

#[test]
fn every_limit_is_exact() {
    let exact = |bytes: usize| record(|r| r["data"] = json!({"x": "y".repeat(bytes - r#"{"x":""}"#.len())}));
    assert!(push(&vec![record(|_| {}); PUSH_RECORDS_MAX]).is_ok());
    assert_eq!(push(&vec![record(|_| {}); PUSH_RECORDS_MAX + 1]).unwrap_err().code, ErrorCode::BatchTooLarge);
    assert!(push(&[exact(RECORD_BYTES_MAX)]).unwrap().records[0].write.is_ok());
    assert!(push(&[exact(RECORD_BYTES_MAX + 1)]).unwrap().records[0].write.is_err());
    let full = vec![exact(RECORD_BYTES_MAX); BATCH_BYTES_MAX / RECORD_BYTES_MAX];
    assert!(push(&full).is_ok());
    let mut over = full;
    over.push(exact(RECORD_BYTES_MAX));
    assert_eq!(push(&over).unwrap_err().code, ErrorCode::BatchTooLarge);
}

/// The codes of the rejected records of a push; `None` for valid ones.
fn codes(push: &Push) -> Vec<Option<RejectionCode>> {
    push.records.iter().map(|record| record.write.as_ref().err().map(|rejection| rejection.code)).collect()
}

#[test]
fn a_record_over_the_limit_fails_alone_and_counts_as_what_is_kept_of_it() {
    let photo = || record(|r| r["data"] = json!({"photo": "x".repeat(1_100_000)}));
    let two = push(&[photo(), record(|_| {})]).unwrap();
    assert_eq!(codes(&two), [Some(RejectionCode::RecordTooLarge), None]);
    let malformed =
        record(|r| (r["data"], r["is_deleted"]) = (json!({"x": "y".repeat(3_000_000)}), json!(7)));
    let two = push(&[malformed, record(|_| {})]).unwrap();
    assert_eq!(codes(&two), [Some(RejectionCode::Malformed), None]);

    let large = record(|r| r["data"] = json!({"x": "y".repeat(RECORD_BYTES_MAX)}));
    let most = BATCH_BYTES_MAX / RECORD_BYTES_MAX;
    assert!(push(&vec![large.clone(); most]).is_ok());
    assert_eq!(push(&vec![large; most + 1]).unwrap_err().code, ErrorCode::BatchTooLarge);
    let long = json!("x".repeat(DEAD_PAYLOAD_BYTES_MAX));
    let most = BATCH_BYTES_MAX / DEAD_PAYLOAD_BYTES_MAX;
    assert!(push(&vec![long.clone(); most]).is_ok());
    assert_eq!(push(&vec![long; most + 1]).unwrap_err().code, ErrorCode::BatchTooLarge);
}

#[test]
fn what_is_kept_of_a_record_counts_beyond_its_data() {
    let surplus = |bytes: usize| record(|r| r["note"] = json!("x".repeat(bytes)));
    assert!(push(&vec![surplus(RECORD_SURPLUS_BYTES - 200); PUSH_RECORDS_MAX]).is_ok());
    let error = push(&vec![surplus(DEAD_PAYLOAD_BYTES_MAX); PUSH_RECORDS_MAX]).unwrap_err();
    assert_eq!(error.code, ErrorCode::BatchTooLarge);
}

/// Whether two batches of these records are the same one.
fn are_same(one: &[serde_json::Value], other: &[serde_json::Value]) -> bool {
    push(one).unwrap().hash.is_same(&push(other).unwrap().hash)
}

#[test]
fn a_batch_is_the_same_whatever_its_clock_and_times_show() {
    let at = |time: serde_json::Value| record(|r| r["local_updated_at"] = time);
    let undated = record(|r| drop(r.as_object_mut().unwrap().remove("local_updated_at")));
    for other in [at(json!("2026-01-01T00:00:00Z")), at(json!("yesterday")), at(json!(null)), undated] {
        assert!(are_same(&[record(|_| {})], std::slice::from_ref(&other)), "{other}");
    }
    let body = |time: &str| json!({"device_id": "d", "device_time": time, "records": [record(|_| {})]});
    let [one, two] =
        ["2025-12-07T10:30:00Z", "2025-12-07T10:31:00Z"].map(|time| parse(&body(time).to_string()));
    assert_eq!(one.unwrap().hash, two.unwrap().hash);
    // Only the member of the record itself.
    let inner = |time: &str| record(|r| r["data"]["local_updated_at"] = json!(time));
    assert!(!are_same(&[inner("a")], &[inner("b")]));
}

#[test]
fn a_batch_is_the_same_however_it_is_spelled_and_another_with_any_other_content() {
    let one = spelled(
        r#"{"table_name":"products","record_id":"p1","local_updated_at":"2025-12-07T10:30:00Z",
            "data":{"name":"\u00e9","list":[1,{"a":1,"b":2}]},"base_version":1}"#,
    );
    let other = spelled(
        r#"{"base_version":1, "data":{"list":[1, {"b":2,"a":1}], "name":"é"},"record_id":"p1","table_name":"products"}"#,
    );
    assert!(one.hash.is_same(&other.hash) && one.hash.sent != other.hash.sent);
    let changes: [Change; 8] = [
        |r| r["record_id"] = json!("p2"),
        |r| r["table_name"] = json!("halls"),
        |r| r["data"]["name"] = json!("B"),
        |r| r["data"]["price"] = json!(1),
        |r| r["base_version"] = json!(0),
        |r| r["is_deleted"] = json!(false),
        |r| r["fields"] = json!(["name"]),
        |r| r["group"] = json!("s"),
    ];
    for change in changes {
        assert!(!are_same(&[record(|_| {})], &[record(change)]));
    }
    let (a, b) = (record(|_| {}), record(|r| r["record_id"] = json!("p2")));
    assert!(!are_same(&[a.clone(), b.clone()], &[b, a.clone()]), "records have an order");
    assert!(!are_same(std::slice::from_ref(&a), &[a.clone(), a.clone()]));
    // The text of a number is data, and what nests too deeply is compared as it was sent.
    let number = |text: &str| spelled(&record(|_| {}).to_string().replace("\"A\"", text)).hash;
    assert!(!number("1.10").is_same(&number("1.1")));
    let deep = |space: &str| number(&format!("{}{space}1{}", "[".repeat(500), "]".repeat(500)));
    assert!(deep("").is_same(&deep("")) && !deep("").is_same(&deep(" ")));
}
