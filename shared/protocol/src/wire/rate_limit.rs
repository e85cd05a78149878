//! The `details` of a request that came too often.

use serde::Serialize;

/// The limit that refuses for longest, and until when.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RateLimitDetails {
    /// The limit's name, as in the header `RateLimit-Policy`.
    pub policy: &'static str,
    /// Requests in a window.
    pub limit: u32,
    /// Seconds of a window.
    pub window_secs: u64,
    /// Seconds after which the same request is let in, as in the header `Retry-After`.
    pub retry_after_secs: u64,
}
