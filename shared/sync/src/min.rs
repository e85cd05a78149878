//! The `min` parameter of reads: a position that the response must not be older than.

use crate::cursor::parse_position;
use protocol::error::{ApiError, ErrorCode};
use protocol::stamp::{Stamp, parse_digits};

/// Reads a stamp or a cursor in the log of one room; [`ErrorCode::BadMin`] for any other text.
pub fn parse(value: &str) -> Result<Stamp, ApiError> {
    let message = "`min` must be a `cursor` or `stamp` that this server gave out.";
    let stamp = parse_digits(value).map_or_else(|| parse_position(value), Ok);
    stamp.map_err(|error| error.refusal(ErrorCode::BadMin, message))
}

/// [`ErrorCode::ResetRequired`] if `min` lies beyond `head`, the room's last change. The server never gave
/// out such a position, so it was restored from a backup.
pub fn check(head: Stamp, min: Stamp) -> Result<(), ApiError> {
    if min <= head {
        return Ok(());
    }
    let message = "`min` lies beyond the last change: the server was restored. Leave it out, and pull.";
    Err(ApiError::new(ErrorCode::ResetRequired, message))
}
