//! The body of every error answer.

use serde::Serialize;

use crate::error::ApiError;
use crate::json::JsonText;
#[cfg(feature = "schema")]
use crate::wire::schema;

/// `{ "error": { "code", "message", "request_id", "details"? } }`
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ErrorResponse<'a> {
    error: Body<'a>,
}

#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(inline))]
struct Body<'a> {
    /// Stable, for programs.
    #[cfg_attr(feature = "schema", schemars(with = "schema::Codes"))]
    code: &'static str,
    /// What to do about it, for people.
    message: &'a str,
    /// Names the request in our logs.
    request_id: &'a str,
    /// Figures that a program can use.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "schema::Details"))]
    details: Option<&'a JsonText>,
}

impl<'a> ErrorResponse<'a> {
    /// The answer to the request `request_id` that was refused.
    pub fn new(refusal: &'a ApiError, request_id: &'a str) -> ErrorResponse<'a> {
        let details = refusal.details.as_ref();
        ErrorResponse {
            error: Body { code: refusal.code.as_str(), message: &refusal.message, request_id, details },
        }
    }

    /// The body as text.
    pub fn to_json(&self) -> String {
        // Strings and a JSON value always serialise; the fallback keeps the shape.
        serde_json::to_string(self).unwrap_or_else(|_| r#"{"error":{"code":"internal"}}"#.to_owned())
    }
}
