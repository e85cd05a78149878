//! The catalogue of error codes, and the errors built from it.
//!
//! PROTOCOL.md lists every code; a test compares the two.

use serde::Serialize;
use strum::{IntoStaticStr, VariantArray};

use crate::json::JsonText;
use crate::wire::error_response::TooLargeDetails;

/// A stable code of an error response.
#[derive(Clone, Copy, Debug, PartialEq, Eq, VariantArray, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum ErrorCode {
    /// The body is not JSON, or nests too deeply.
    BadJson,
    /// A member of the body is missing or has the wrong type.
    BadRequest,
    /// `since` is neither a time nor a stamp.
    BadSince,
    /// `cursor` is not one that this server gave out.
    BadCursor,
    /// `limit` is not a number from 1 to 1000.
    BadLimit,
    /// `min` is neither a cursor nor a stamp.
    BadMin,
    /// `tables` names a table that is not synced.
    UnknownTable,
    /// The client has more branches than one pull can follow.
    TooManyBranches,
    /// Records of a push have a group, and the batch has no id.
    GroupNeedsBatch,
    /// No access token was sent.
    TokenMissing,
    /// The access token is malformed or not signed by us.
    TokenInvalid,
    /// The access token has expired.
    TokenExpired,
    /// The session of the access token has ended.
    SessionRevoked,
    /// The ticket is unknown, used or expired, or of another device or page.
    TicketInvalid,
    /// Wrong user name or password.
    BadCredentials,
    /// The refresh token is unknown, expired or revoked.
    RefreshInvalid,
    /// The refresh token was used before; all tokens of its family are revoked.
    RefreshReused,
    /// A call to an internal path is not signed by one of our functions.
    BadSignature,
    /// The user has no branch and the request named none.
    BranchRequired,
    /// The named branch is not the user's; only a super admin may name any.
    BranchForbidden,
    /// The caller's role may not read or write the table.
    TableForbidden,
    /// The caller's role may not do this.
    ForbiddenRole,
    /// The token belongs to another device.
    DeviceMismatch,
    /// The user may not use the room.
    RoomForbidden,
    /// Web pages of this origin may not call the service.
    OriginForbidden,
    /// Unknown path.
    NotFound,
    /// The server does not have the record.
    RecordNotFound,
    /// Unknown dead letter, or one that was replayed or discarded.
    DeadLetterNotFound,
    /// The user does not have this session.
    SessionNotFound,
    /// The branch does not have this cart.
    CartNotFound,
    /// The client does not have this branch.
    BranchNotFound,
    /// The path exists with other methods only.
    MethodNotAllowed,
    /// The device used the batch id for another batch.
    BatchIdReused,
    /// The record has another version than the caller expected.
    VersionChanged,
    /// The dead letter was too large to be kept whole.
    PayloadCut,
    /// Dead letters that may belong to the group are damaged.
    GroupDamaged,
    /// `min` is later than the room's last change: the server was restored from a backup.
    ResetRequired,
    /// The body is over 4 MiB.
    BodyTooLarge,
    /// The batch has over 50 records or over 1 MiB of data.
    BatchTooLarge,
    /// The table's policy does not allow the write.
    RecordRejected,
    /// The path is for WebSocket only.
    UpgradeRequired,
    /// The caller exceeded a rate limit.
    RateLimited,
    /// The room has as many sockets as it can hold.
    RoomFull,
    /// The branch keeps as many dead letters as it can.
    DeadLettersFull,
    /// A fault on our side.
    Internal,
    /// A dependency does not respond. Nothing is lost; retry.
    Unavailable,
    /// Too many devices wrote to the room at once, or too many bodies are on their way. Nothing is lost;
    /// retry.
    Busy,
    /// The body broke off or came too slowly. Nothing is lost; retry.
    BodyIncomplete,
}

impl ErrorCode {
    /// Every code, in the order of PROTOCOL.md.
    pub const ALL: &'static [ErrorCode] = ErrorCode::VARIANTS;

    /// The code on the wire: the variant's name in snake case.
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// The HTTP status.
    pub fn status(self) -> u16 {
        match self {
            ErrorCode::BadJson
            | ErrorCode::BadRequest
            | ErrorCode::BadSince
            | ErrorCode::BadCursor
            | ErrorCode::BadLimit
            | ErrorCode::BadMin
            | ErrorCode::UnknownTable
            | ErrorCode::TooManyBranches
            | ErrorCode::GroupNeedsBatch => 400,
            ErrorCode::TokenMissing
            | ErrorCode::TokenInvalid
            | ErrorCode::TokenExpired
            | ErrorCode::SessionRevoked
            | ErrorCode::TicketInvalid
            | ErrorCode::BadCredentials
            | ErrorCode::RefreshInvalid
            | ErrorCode::RefreshReused
            | ErrorCode::BadSignature => 401,
            ErrorCode::BranchRequired
            | ErrorCode::BranchForbidden
            | ErrorCode::TableForbidden
            | ErrorCode::ForbiddenRole
            | ErrorCode::DeviceMismatch
            | ErrorCode::RoomForbidden
            | ErrorCode::OriginForbidden => 403,
            ErrorCode::NotFound
            | ErrorCode::RecordNotFound
            | ErrorCode::DeadLetterNotFound
            | ErrorCode::SessionNotFound
            | ErrorCode::CartNotFound
            | ErrorCode::BranchNotFound => 404,
            ErrorCode::MethodNotAllowed => 405,
            ErrorCode::BatchIdReused
            | ErrorCode::VersionChanged
            | ErrorCode::PayloadCut
            | ErrorCode::GroupDamaged => 409,
            ErrorCode::ResetRequired => 410,
            ErrorCode::BodyTooLarge | ErrorCode::BatchTooLarge => 413,
            ErrorCode::RecordRejected => 422,
            ErrorCode::UpgradeRequired => 426,
            ErrorCode::RateLimited => 429,
            ErrorCode::Internal => 500,
            // Insufficient Storage (RFC 4918). A client that does not know the code sends the request again.
            ErrorCode::DeadLettersFull => 507,
            ErrorCode::RoomFull | ErrorCode::Unavailable | ErrorCode::Busy | ErrorCode::BodyIncomplete => 503,
        }
    }

    /// Value of `Retry-After` in seconds; every 503 has one.
    pub fn retry_after_secs(self) -> Option<u32> {
        (self.status() == 503).then_some(1)
    }
}

/// A refused request: a code, and a sentence that a person can act on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ApiError {
    /// The stable code.
    pub code: ErrorCode,
    /// What to do about it.
    pub message: String,
    /// Details for programs, as JSON text so that no number is rounded.
    pub details: Option<JsonText>,
    /// Value of `Retry-After` in seconds, where it is not the code's own.
    pub retry_after_secs: Option<u64>,
}

impl ApiError {
    /// An error without details.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> ApiError {
        ApiError { code, message: message.into(), details: None, retry_after_secs: None }
    }

    /// An error of the status 413, with the limit that was exceeded.
    pub fn too_large(code: ErrorCode, message: impl Into<String>, details: TooLargeDetails) -> ApiError {
        ApiError::new(code, message).with_details(&details)
    }

    /// Value of `Retry-After` in seconds, if the caller should wait.
    pub fn retry_after_secs(&self) -> Option<u64> {
        self.retry_after_secs.or_else(|| self.code.retry_after_secs().map(u64::from))
    }

    /// The same error with `details`; without them if they do not serialise.
    pub fn with_details(self, details: &impl Serialize) -> ApiError {
        ApiError { details: serde_json::value::to_raw_value(details).ok().map(JsonText::from), ..self }
    }
}

impl From<crate::ids::BadId> for ApiError {
    fn from(bad: crate::ids::BadId) -> ApiError {
        ApiError::new(ErrorCode::BadRequest, format!("`{}` cannot be used: {}.", bad.what, bad.rule))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_protocol_page_lists_every_code_and_every_503_has_a_retry_after() {
        let page = include_str!("../../../PROTOCOL.md");
        for &code in ErrorCode::ALL {
            let row = format!("| `{}` | {} |", code.as_str(), code.status());
            assert!(page.contains(&row), "PROTOCOL.md lacks the row {row}");
            assert_eq!(code.retry_after_secs().is_some(), code.status() == 503);
        }
    }
}
