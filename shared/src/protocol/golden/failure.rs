use serde_json::json;

use super::data;
use crate::error::{Code, Refusal};
use crate::protocol::failure::Failure;

#[test]
fn an_error() {
    let plain = Refusal::new(Code::NotFound, "There is nothing at this address.");
    assert_eq!(
        Failure::new(&plain, "r1").to_json(),
        r#"{"error":{"code":"not_found","message":"There is nothing at this address.","request_id":"r1"}}"#
    );
    let detailed = plain.clone().with_details(&json!({"limit": 50}));
    assert!(
        Failure::new(&detailed, "r1").to_json().ends_with(r#""request_id":"r1","details":{"limit":50}}}"#)
    );
    let exact = plain.with_details(&data(r#"{"price":1.10}"#));
    assert!(Failure::new(&exact, "r1").to_json().ends_with(r#""details":{"price":1.10}}}"#));
}
