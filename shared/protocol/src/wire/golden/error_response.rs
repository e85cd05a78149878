use serde_json::json;

use super::data;
use crate::error::{ApiError, ErrorCode};
use crate::wire::error_response::ErrorResponse;

#[test]
fn an_error() {
    let plain = ApiError::new(ErrorCode::NotFound, "There is nothing at this address.");
    assert_eq!(
        ErrorResponse::new(&plain, "r1").to_json(),
        r#"{"error":{"code":"not_found","message":"There is nothing at this address.","request_id":"r1"}}"#
    );
    let detailed = plain.clone().with_details(&json!({"limit": 50}));
    assert!(
        ErrorResponse::new(&detailed, "r1")
            .to_json()
            .ends_with(r#""request_id":"r1","details":{"limit":50}}}"#)
    );
    let exact = plain.with_details(&data(r#"{"price":1.10}"#));
    assert!(ErrorResponse::new(&exact, "r1").to_json().ends_with(r#""details":{"price":1.10}}}"#));
}
