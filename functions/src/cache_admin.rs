//! The cache itself: the endpoints under `/api/cache/` for a client's admins, and the scheduled maintenance.

pub mod invalidate;
pub mod report;
pub mod warm;

pub mod maintenance;

use redis_client::error::RedisError;

use crate::http::error::HandlerError;

/// The error where only Redis could respond.
fn unavailable(error: RedisError) -> HandlerError {
    HandlerError::Unavailable(error.into())
}
