//! Groups, sizes, and the copies of rejected records.

use super::*;

#[test]
fn a_group_needs_a_batch_id() {
    let body = |batch: serde_json::Value, change: Change| {
        let body = json!({"device_id": "d", "batch_id": batch, "records": [record(|_| {}), record(change)]});
        parse(&body.to_string()).map(|_| ()).map_err(|error| error.code)
    };
    let change: Change = |r| r["group"] = json!("sale 1");
    assert_eq!(body(json!(null), change), Err(ErrorCode::GroupNeedsBatch));
    assert_eq!(
        body(json!(null), |r| (r["group"], r["data"]) = (json!("s"), json!(5))),
        Err(ErrorCode::GroupNeedsBatch)
    );
    assert_eq!(body(json!("b"), change), Ok(()));
    assert_eq!(body(json!(null), |r| r["group"] = json!(null)), Ok(()));
}

#[test]
fn an_error_of_the_size_says_what_to_split_by() {
    let details = |push: Result<Push, ApiError>| push.unwrap_err().details.unwrap().as_str().to_owned();
    let many = push(&vec![record(|_| {}); PUSH_RECORDS_MAX + 1]);
    assert_eq!(details(many), r#"{"limit":50,"got":51,"unit":"records"}"#);
    let large = record(|r| r["data"] = json!({"x": "y".repeat(RECORD_BYTES_MAX - r#"{"x":""}"#.len())}));
    let large = push(&vec![large; BATCH_BYTES_MAX / RECORD_BYTES_MAX + 1]);
    assert_eq!(details(large), r#"{"limit":1048576,"got":1114112,"unit":"bytes"}"#);
}

#[test]
fn a_rejected_record_names_the_copy_that_its_caller_may_read() {
    let key = |change: Change| {
        let record = push(&[record(change)]).unwrap().records.remove(0);
        (record.write.is_ok(), record.key().map(|key| format!("{}/{}", key.table, key.id)))
    };
    let named = Some("products/p1".to_owned());
    assert_eq!(key(|_| {}), (true, named.clone()));
    assert_eq!(key(|r| r["local_updated_at"] = json!("yesterday")), (false, named.clone()));
    assert_eq!(key(|r| r["base_version"] = json!(-1)), (false, named));
    // A cashier reads warehouses and may not write them; advances it may not even read.
    assert_eq!(key(|r| r["table_name"] = json!("warehouses")), (false, Some("warehouses/p1".to_owned())));
    assert_eq!(key(|r| r["table_name"] = json!("employee_advances")), (false, None));
    assert_eq!(key(|r| r["table_name"] = json!("nonsense")), (false, None));
    assert_eq!(key(|r| r["record_id"] = json!("a\nb")), (false, None));
    assert_eq!(key(|r| *r = json!(5)), (false, None));
}

#[test]
fn a_record_keeps_its_group_although_it_is_malformed_and_a_bad_group_is_none() {
    let group = |change: Change| {
        let record = push(&[record(change)]).unwrap().records.remove(0);
        (record.group.map(|group| group.to_string()), record.write.is_ok())
    };
    let in_group = Some("sale 1".to_owned());
    assert_eq!(group(|r| r["group"] = json!("sale 1")), (in_group.clone(), true));
    assert_eq!(group(|r| (r["group"], r["base_version"]) = (json!("sale 1"), json!(-1))), (in_group, false));
    let longest = json!("x".repeat(DEVICE_ID_BYTES_MAX));
    assert!(push(&[record(|r| r["group"] = longest)]).unwrap().records[0].group.is_some());
    let bad: [Change; 4] = [
        |r| r["group"] = json!("x".repeat(DEVICE_ID_BYTES_MAX + 1)),
        |r| r["group"] = json!(""),
        |r| r["group"] = json!("a\nb"),
        |r| r["group"] = json!(7),
    ];
    for change in bad {
        assert_eq!(group(change), (None, false));
        assert_eq!(rejected(change), RejectionCode::Malformed);
    }
}
