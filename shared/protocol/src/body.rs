//! Parsing request bodies.

use serde::Deserialize;
use serde_json::error::Category;

use crate::error::{ApiError, ErrorCode};
use crate::json::parse_error_text;

/// Parses a JSON object. [`ErrorCode::BadJson`] if the body is not JSON, [`ErrorCode::BadRequest`] if it has
/// another shape.
pub fn read_body<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, ApiError> {
    let not_json = |why: &str| ApiError::new(ErrorCode::BadJson, format!("The body is not JSON: {why}."));
    let does_not_fit =
        |why: &str| ApiError::new(ErrorCode::BadRequest, format!("The body does not fit: {why}."));
    let text = std::str::from_utf8(body).map_err(|error| not_json(&error.to_string()))?;
    let value = serde_json::from_str(text).map_err(|error| match error.classify() {
        Category::Data => does_not_fit(&parse_error_text(&error)),
        _ => not_json(&parse_error_text(&error)),
    })?;
    // serde also accepts arrays, by position; the protocol does not.
    if text.trim_start().starts_with('{') { Ok(value) } else { Err(does_not_fit("it must be an object")) }
}
