//! The body of every error response.

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
    /// The request's id in our logs.
    request_id: &'a str,
    /// Details for programs.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "schema::Details"))]
    details: Option<&'a JsonText>,
}

impl<'a> ErrorResponse<'a> {
    /// The response to the refused request `request_id`.
    pub fn new(error: &'a ApiError, request_id: &'a str) -> ErrorResponse<'a> {
        let details = error.details.as_ref();
        ErrorResponse {
            error: Body { code: error.code.as_str(), message: &error.message, request_id, details },
        }
    }

    /// The body as text.
    pub fn to_json(&self) -> String {
        // Strings and a JSON value always serialise; the fallback keeps the shape.
        serde_json::to_string(self).unwrap_or_else(|_| r#"{"error":{"code":"internal"}}"#.to_owned())
    }
}

/// The `details` of `rate_limited`: the limit with the longest wait.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RateLimitDetails {
    /// The limit's name, as in the header `RateLimit-Policy`.
    pub policy: &'static str,
    /// Requests per window.
    pub limit: u32,
    /// Length of the window in seconds.
    pub window_secs: u64,
    /// Seconds after which the same request is allowed, as in the header `Retry-After`.
    pub retry_after_secs: u64,
}
