//! Reading a request body.

use serde::Deserialize;
use serde_json::error::Category;

use crate::error::{ApiError, ErrorCode};
use crate::json::what_is_wrong;

/// Reads a body that must be a JSON object of this shape.
pub fn read_body<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, ApiError> {
    let not_json = |why: &str| ApiError::new(ErrorCode::BadJson, format!("The body is not JSON: {why}."));
    let does_not_fit =
        |why: &str| ApiError::new(ErrorCode::BadRequest, format!("The body does not fit: {why}."));
    let text = std::str::from_utf8(body).map_err(|error| not_json(&error.to_string()))?;
    let value = serde_json::from_str(text).map_err(|error| match error.classify() {
        Category::Data => does_not_fit(&what_is_wrong(&error)),
        _ => not_json(&what_is_wrong(&error)),
    })?;
    // An array would be read by place, which nobody was promised.
    if text.trim_start().starts_with('{') { Ok(value) } else { Err(does_not_fit("it must be an object")) }
}
