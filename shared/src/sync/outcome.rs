//! What becomes of one record of a push. Never an `Err`: one record cannot fail its batch.

use crate::json::JsonText;
use crate::record::Record;
use crate::stamp::Stamp;

/// What became of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Written in this commit.
    Applied {
        /// The record's version after it.
        version: u64,
        /// The change's place in the room.
        stamp: Stamp,
        /// What is stored, where it differs from what was sent.
        stored: Option<JsonText>,
    },
    /// The server holds it already: a replay. Nothing was written.
    Held {
        /// The version the server holds.
        version: u64,
        /// The commit that wrote it.
        stamp: Stamp,
    },
    /// The server's copy stays.
    Conflict {
        /// Why.
        reason: Reason,
        /// The server's copy, if it has one.
        server: Option<Record>,
    },
    /// The record cannot be taken as it is.
    Rejected(Rejection),
}

impl Outcome {
    /// Whether the server holds what was sent.
    pub fn is_applied(&self) -> bool {
        matches!(self, Outcome::Applied { .. } | Outcome::Held { .. })
    }
}

/// Why the server's copy stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// It was written later, by another device or from another version.
    NewerOnServer,
    /// The write said "I create this", and the record is there.
    AlreadyExists,
    /// It is a tombstone, or gone altogether, and the write did not say that it knows.
    DeletedOnServer,
}

impl Reason {
    /// Every reason, in the order of PROTOCOL.md.
    pub const ALL: [Reason; 3] = [Reason::NewerOnServer, Reason::AlreadyExists, Reason::DeletedOnServer];

    /// The reason on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Reason::NewerOnServer => "newer_on_server",
            Reason::AlreadyExists => "already_exists",
            Reason::DeletedOnServer => "deleted_on_server",
        }
    }
}

/// A rejected record: a stable code, and a sentence a person can act on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    /// The stable code.
    pub code: RejectCode,
    /// What to do about it.
    pub message: String,
}

/// Why a record is rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RejectCode {
    /// A field is missing or of the wrong type.
    Malformed,
    /// The table is not synced.
    UnknownTable,
    /// The id is empty, too long, or has control characters.
    BadRecordId,
    /// `local_updated_at` is no date and time.
    BadTime,
    /// `local_updated_at` is over 5 minutes ahead of the server.
    ClockAhead,
    /// `data` is over 64 KiB.
    RecordTooLarge,
    /// `data` nests too deeply.
    TooDeep,
}

impl RejectCode {
    /// Every code, in the order of PROTOCOL.md.
    pub const ALL: [RejectCode; 7] = [
        RejectCode::Malformed,
        RejectCode::UnknownTable,
        RejectCode::BadRecordId,
        RejectCode::BadTime,
        RejectCode::ClockAhead,
        RejectCode::RecordTooLarge,
        RejectCode::TooDeep,
    ];

    /// The code on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            RejectCode::Malformed => "malformed",
            RejectCode::UnknownTable => "unknown_table",
            RejectCode::BadRecordId => "bad_record_id",
            RejectCode::BadTime => "bad_time",
            RejectCode::ClockAhead => "clock_ahead",
            RejectCode::RecordTooLarge => "record_too_large",
            RejectCode::TooDeep => "too_deep",
        }
    }

    /// A rejection with this code.
    pub fn because(self, message: impl Into<String>) -> Rejection {
        Rejection { code: self, message: message.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_protocol_page_lists_every_outcome() {
        let page = include_str!("../../../PROTOCOL.md");
        let codes = RejectCode::ALL.iter().map(|code| code.as_str());
        for word in codes.chain(Reason::ALL.iter().map(|reason| reason.as_str())) {
            assert!(page.contains(&format!("| `{word}` |")), "PROTOCOL.md lacks {word}");
        }
    }
}
