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

/// The `details` of the errors of the status 413: by how much to send less at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TooLargeDetails {
    /// What is allowed.
    pub limit: usize,
    /// What was sent, as far as the server has read it; absent if the request does not say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub got: Option<usize>,
    /// What both count.
    pub unit: SizeUnit,
}

impl TooLargeDetails {
    /// `got` records, of which `limit` are allowed.
    pub fn records(limit: usize, got: usize) -> TooLargeDetails {
        TooLargeDetails { limit, got: Some(got), unit: SizeUnit::Records }
    }

    /// `got` bytes, of which `limit` are allowed.
    pub fn bytes(limit: usize, got: Option<usize>) -> TooLargeDetails {
        TooLargeDetails { limit, got, unit: SizeUnit::Bytes }
    }
}

/// What a limit of the size of a request counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum SizeUnit {
    /// Records.
    Records,
    /// Bytes: of the body, of a cart, of all `data` of a push, or of what a push writes.
    Bytes,
}
