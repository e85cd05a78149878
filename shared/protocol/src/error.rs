//! The catalogue of error codes, and refusals built from it.
//!
//! PROTOCOL.md lists every code; a test holds the two together.

use serde::Serialize;

use crate::json::JsonText;

/// A stable code of an error answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorCode {
    /// The body is no JSON, or nests too deeply.
    BadJson,
    /// A field of the envelope is missing or of the wrong type.
    BadRequest,
    /// `since` is neither a time nor a stamp.
    BadSince,
    /// `cursor` is none of ours.
    BadCursor,
    /// `limit` is not a number from 1 to 1000.
    BadLimit,
    /// `min` is neither a cursor nor a stamp.
    BadMin,
    /// `tables` names a table that is not synced.
    UnknownTable,
    /// The client has more branches than one pull can follow.
    TooManyBranches,
    /// No access token was sent.
    TokenMissing,
    /// The access token is not one of ours.
    TokenInvalid,
    /// The access token was ours and has expired.
    TokenExpired,
    /// The session that the access token belongs to was ended.
    SessionRevoked,
    /// User name and password do not belong together.
    BadCredentials,
    /// The refresh token is unknown, expired or revoked.
    RefreshInvalid,
    /// The refresh token was used before; its whole family is revoked.
    RefreshReused,
    /// The call to an internal address was not signed by one of our functions.
    BadSignature,
    /// The user has no branch, and the request did not name one.
    BranchRequired,
    /// Only a super admin may name a branch.
    BranchForbidden,
    /// The caller's role may not read or write that table.
    TableForbidden,
    /// The caller's role may not do this.
    ForbiddenRole,
    /// The token belongs to another device.
    DeviceMismatch,
    /// The user may not use that room.
    RoomForbidden,
    /// There is nothing at this address.
    NotFound,
    /// The server has no such record.
    RecordNotFound,
    /// There is no such dead letter, or it was replayed or discarded.
    DeadLetterNotFound,
    /// The user has no such session.
    SessionNotFound,
    /// The branch has no such cart.
    CartNotFound,
    /// The address exists, the method does not.
    MethodNotAllowed,
    /// The batch id was used by this device for another batch.
    BatchIdReused,
    /// The record has another version than the caller expected.
    VersionChanged,
    /// The dead letter was too large to be kept whole.
    PayloadCut,
    /// `min` lies beyond the room's last change: the server was restored from a copy.
    ResetRequired,
    /// The body is over 4 MiB.
    BodyTooLarge,
    /// The batch has over 50 records (to be read: over 40) or over 1 MiB of data.
    BatchTooLarge,
    /// The table's policy does not allow the write.
    RecordRejected,
    /// The address speaks WebSocket only.
    UpgradeRequired,
    /// The caller asked more often than a limit allows.
    RateLimited,
    /// The room holds as many sockets as it can.
    RoomFull,
    /// Something went wrong on our side.
    Internal,
    /// Something we depend on does not answer. Nothing is lost; come back.
    Unavailable,
    /// Too many devices wrote to the room at once. Nothing is lost; come back.
    Busy,
}

impl ErrorCode {
    /// Every code, in the order of PROTOCOL.md.
    pub const ALL: [ErrorCode; 41] = [
        ErrorCode::BadJson,
        ErrorCode::BadRequest,
        ErrorCode::BadSince,
        ErrorCode::BadCursor,
        ErrorCode::BadLimit,
        ErrorCode::BadMin,
        ErrorCode::UnknownTable,
        ErrorCode::TooManyBranches,
        ErrorCode::TokenMissing,
        ErrorCode::TokenInvalid,
        ErrorCode::TokenExpired,
        ErrorCode::SessionRevoked,
        ErrorCode::BadCredentials,
        ErrorCode::RefreshInvalid,
        ErrorCode::RefreshReused,
        ErrorCode::BadSignature,
        ErrorCode::BranchRequired,
        ErrorCode::BranchForbidden,
        ErrorCode::TableForbidden,
        ErrorCode::ForbiddenRole,
        ErrorCode::DeviceMismatch,
        ErrorCode::RoomForbidden,
        ErrorCode::NotFound,
        ErrorCode::RecordNotFound,
        ErrorCode::DeadLetterNotFound,
        ErrorCode::SessionNotFound,
        ErrorCode::CartNotFound,
        ErrorCode::MethodNotAllowed,
        ErrorCode::BatchIdReused,
        ErrorCode::VersionChanged,
        ErrorCode::PayloadCut,
        ErrorCode::ResetRequired,
        ErrorCode::BodyTooLarge,
        ErrorCode::BatchTooLarge,
        ErrorCode::RecordRejected,
        ErrorCode::UpgradeRequired,
        ErrorCode::RateLimited,
        ErrorCode::RoomFull,
        ErrorCode::Internal,
        ErrorCode::Unavailable,
        ErrorCode::Busy,
    ];

    /// The code on the wire and the HTTP status it comes with.
    pub fn wire(self) -> (&'static str, u16) {
        match self {
            ErrorCode::BadJson => ("bad_json", 400),
            ErrorCode::BadRequest => ("bad_request", 400),
            ErrorCode::BadSince => ("bad_since", 400),
            ErrorCode::BadCursor => ("bad_cursor", 400),
            ErrorCode::BadLimit => ("bad_limit", 400),
            ErrorCode::BadMin => ("bad_min", 400),
            ErrorCode::UnknownTable => ("unknown_table", 400),
            ErrorCode::TooManyBranches => ("too_many_branches", 400),
            ErrorCode::TokenMissing => ("token_missing", 401),
            ErrorCode::TokenInvalid => ("token_invalid", 401),
            ErrorCode::TokenExpired => ("token_expired", 401),
            ErrorCode::SessionRevoked => ("session_revoked", 401),
            ErrorCode::BadCredentials => ("bad_credentials", 401),
            ErrorCode::RefreshInvalid => ("refresh_invalid", 401),
            ErrorCode::RefreshReused => ("refresh_reused", 401),
            ErrorCode::BadSignature => ("bad_signature", 401),
            ErrorCode::BranchRequired => ("branch_required", 403),
            ErrorCode::BranchForbidden => ("branch_forbidden", 403),
            ErrorCode::TableForbidden => ("table_forbidden", 403),
            ErrorCode::ForbiddenRole => ("forbidden_role", 403),
            ErrorCode::DeviceMismatch => ("device_mismatch", 403),
            ErrorCode::RoomForbidden => ("room_forbidden", 403),
            ErrorCode::NotFound => ("not_found", 404),
            ErrorCode::RecordNotFound => ("record_not_found", 404),
            ErrorCode::DeadLetterNotFound => ("dead_letter_not_found", 404),
            ErrorCode::SessionNotFound => ("session_not_found", 404),
            ErrorCode::CartNotFound => ("cart_not_found", 404),
            ErrorCode::MethodNotAllowed => ("method_not_allowed", 405),
            ErrorCode::BatchIdReused => ("batch_id_reused", 409),
            ErrorCode::VersionChanged => ("version_changed", 409),
            ErrorCode::PayloadCut => ("payload_cut", 409),
            ErrorCode::ResetRequired => ("reset_required", 410),
            ErrorCode::BodyTooLarge => ("body_too_large", 413),
            ErrorCode::BatchTooLarge => ("batch_too_large", 413),
            ErrorCode::RecordRejected => ("record_rejected", 422),
            ErrorCode::UpgradeRequired => ("upgrade_required", 426),
            ErrorCode::RateLimited => ("rate_limited", 429),
            ErrorCode::RoomFull => ("room_full", 503),
            ErrorCode::Internal => ("internal", 500),
            ErrorCode::Unavailable => ("unavailable", 503),
            ErrorCode::Busy => ("busy", 503),
        }
    }

    /// The code on the wire.
    pub fn as_str(self) -> &'static str {
        self.wire().0
    }

    /// The HTTP status.
    pub fn status(self) -> u16 {
        self.wire().1
    }

    /// Seconds after which to come back, for `Retry-After`; every 503 has one.
    pub fn retry_after_secs(self) -> Option<u32> {
        (self.status() == 503).then_some(1)
    }
}

/// A request that is refused as a whole: a code, and a sentence a person can act on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ApiError {
    /// The stable code.
    pub code: ErrorCode,
    /// What to do about it.
    pub message: String,
    /// Figures that a program can use, if there are any; as text, so that no number of a shop's is rounded.
    pub details: Option<JsonText>,
}

impl ApiError {
    /// A refusal without details.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> ApiError {
        ApiError { code, message: message.into(), details: None }
    }

    /// The same refusal with `details`; without, if they do not serialise.
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
    fn every_code_is_listed_once() {
        let mut texts: Vec<_> = ErrorCode::ALL.iter().map(|code| code.as_str()).collect();
        texts.sort_unstable();
        texts.dedup();
        assert_eq!(texts.len(), ErrorCode::ALL.len());
    }

    #[test]
    fn the_protocol_page_lists_every_code_with_its_status() {
        let page = include_str!("../../../PROTOCOL.md");
        for code in ErrorCode::ALL {
            let row = format!("| `{}` | {} |", code.as_str(), code.status());
            assert!(page.contains(&row), "PROTOCOL.md lacks the row {row}");
        }
    }

    #[test]
    fn every_503_says_when_to_come_back() {
        for code in ErrorCode::ALL {
            assert_eq!(code.retry_after_secs().is_some(), code.status() == 503);
        }
    }
}
