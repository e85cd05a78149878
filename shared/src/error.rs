//! The catalogue of error codes, and refusals built from it.
//!
//! PROTOCOL.md lists every code; a test holds the two together.

use serde::Serialize;

use crate::json::JsonText;

/// A stable code of an error answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
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

impl Code {
    /// Every code, in the order of PROTOCOL.md.
    pub const ALL: [Code; 41] = [
        Code::BadJson,
        Code::BadRequest,
        Code::BadSince,
        Code::BadCursor,
        Code::BadLimit,
        Code::BadMin,
        Code::UnknownTable,
        Code::TooManyBranches,
        Code::TokenMissing,
        Code::TokenInvalid,
        Code::TokenExpired,
        Code::SessionRevoked,
        Code::BadCredentials,
        Code::RefreshInvalid,
        Code::RefreshReused,
        Code::BadSignature,
        Code::BranchRequired,
        Code::BranchForbidden,
        Code::TableForbidden,
        Code::ForbiddenRole,
        Code::DeviceMismatch,
        Code::RoomForbidden,
        Code::NotFound,
        Code::RecordNotFound,
        Code::DeadLetterNotFound,
        Code::SessionNotFound,
        Code::CartNotFound,
        Code::MethodNotAllowed,
        Code::BatchIdReused,
        Code::VersionChanged,
        Code::PayloadCut,
        Code::ResetRequired,
        Code::BodyTooLarge,
        Code::BatchTooLarge,
        Code::RecordRejected,
        Code::UpgradeRequired,
        Code::RateLimited,
        Code::RoomFull,
        Code::Internal,
        Code::Unavailable,
        Code::Busy,
    ];

    /// The code on the wire and the HTTP status it comes with.
    pub fn wire(self) -> (&'static str, u16) {
        match self {
            Code::BadJson => ("bad_json", 400),
            Code::BadRequest => ("bad_request", 400),
            Code::BadSince => ("bad_since", 400),
            Code::BadCursor => ("bad_cursor", 400),
            Code::BadLimit => ("bad_limit", 400),
            Code::BadMin => ("bad_min", 400),
            Code::UnknownTable => ("unknown_table", 400),
            Code::TooManyBranches => ("too_many_branches", 400),
            Code::TokenMissing => ("token_missing", 401),
            Code::TokenInvalid => ("token_invalid", 401),
            Code::TokenExpired => ("token_expired", 401),
            Code::SessionRevoked => ("session_revoked", 401),
            Code::BadCredentials => ("bad_credentials", 401),
            Code::RefreshInvalid => ("refresh_invalid", 401),
            Code::RefreshReused => ("refresh_reused", 401),
            Code::BadSignature => ("bad_signature", 401),
            Code::BranchRequired => ("branch_required", 403),
            Code::BranchForbidden => ("branch_forbidden", 403),
            Code::TableForbidden => ("table_forbidden", 403),
            Code::ForbiddenRole => ("forbidden_role", 403),
            Code::DeviceMismatch => ("device_mismatch", 403),
            Code::RoomForbidden => ("room_forbidden", 403),
            Code::NotFound => ("not_found", 404),
            Code::RecordNotFound => ("record_not_found", 404),
            Code::DeadLetterNotFound => ("dead_letter_not_found", 404),
            Code::SessionNotFound => ("session_not_found", 404),
            Code::CartNotFound => ("cart_not_found", 404),
            Code::MethodNotAllowed => ("method_not_allowed", 405),
            Code::BatchIdReused => ("batch_id_reused", 409),
            Code::VersionChanged => ("version_changed", 409),
            Code::PayloadCut => ("payload_cut", 409),
            Code::ResetRequired => ("reset_required", 410),
            Code::BodyTooLarge => ("body_too_large", 413),
            Code::BatchTooLarge => ("batch_too_large", 413),
            Code::RecordRejected => ("record_rejected", 422),
            Code::UpgradeRequired => ("upgrade_required", 426),
            Code::RateLimited => ("rate_limited", 429),
            Code::RoomFull => ("room_full", 503),
            Code::Internal => ("internal", 500),
            Code::Unavailable => ("unavailable", 503),
            Code::Busy => ("busy", 503),
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
pub struct Refusal {
    /// The stable code.
    pub code: Code,
    /// What to do about it.
    pub message: String,
    /// Figures that a program can use, if there are any; as text, so that no number of a shop's is rounded.
    pub details: Option<JsonText>,
}

impl Refusal {
    /// A refusal without details.
    pub fn new(code: Code, message: impl Into<String>) -> Refusal {
        Refusal { code, message: message.into(), details: None }
    }

    /// The same refusal with `details`; without, if they do not serialise.
    pub fn with_details(self, details: &impl Serialize) -> Refusal {
        Refusal { details: serde_json::value::to_raw_value(details).ok().map(JsonText::from), ..self }
    }
}

impl From<crate::tenant::BadId> for Refusal {
    fn from(bad: crate::tenant::BadId) -> Refusal {
        Refusal::new(Code::BadRequest, format!("`{}` cannot be used: {}.", bad.what, bad.rule))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_listed_once() {
        let mut texts: Vec<_> = Code::ALL.iter().map(|code| code.as_str()).collect();
        texts.sort_unstable();
        texts.dedup();
        assert_eq!(texts.len(), Code::ALL.len());
    }

    #[test]
    fn the_protocol_page_lists_every_code_with_its_status() {
        let page = include_str!("../../PROTOCOL.md");
        for code in Code::ALL {
            let row = format!("| `{}` | {} |", code.as_str(), code.status());
            assert!(page.contains(&row), "PROTOCOL.md lacks the row {row}");
        }
    }

    #[test]
    fn every_503_says_when_to_come_back() {
        for code in Code::ALL {
            assert_eq!(code.retry_after_secs().is_some(), code.status() == 503);
        }
    }
}
