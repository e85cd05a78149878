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
        /// What is to be said of it.
        flags: Vec<Flag>,
    },
    /// The server holds it already: a replay. Nothing was written.
    Held {
        /// What is stored, where it differs from what was sent.
        stored: Option<JsonText>,
        /// The version the server holds.
        version: u64,
        /// The commit that wrote it.
        stamp: Stamp,
    },
    /// A part of it was written in this commit; in the rest the server's copy stays.
    Merged {
        /// Why not all of it.
        reason: Reason,
        /// The record as it is now.
        server: Record,
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
    /// Of two concurrent writes to this table, the first to arrive stays.
    ServerWins,
    /// Somebody has to resolve concurrent writes to this table.
    Manual,
    /// Both sides changed the same members.
    FieldsConflict,
}

impl Reason {
    /// Every reason, in the order of PROTOCOL.md.
    pub const ALL: [Reason; 6] = [
        Reason::NewerOnServer,
        Reason::AlreadyExists,
        Reason::DeletedOnServer,
        Reason::ServerWins,
        Reason::Manual,
        Reason::FieldsConflict,
    ];

    /// The reason on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Reason::NewerOnServer => "newer_on_server",
            Reason::AlreadyExists => "already_exists",
            Reason::DeletedOnServer => "deleted_on_server",
            Reason::ServerWins => "server_wins",
            Reason::Manual => "manual",
            Reason::FieldsConflict => "fields_conflict",
        }
    }
}

/// Something to know of a record that was applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Flag {
    /// Its time was over 5 minutes ahead of the server's, and was taken for the server's.
    ClockClamped,
    /// A sum fell below its floor and is stored all the same.
    BelowFloor,
    /// A sum would have fallen below its floor; the floor is stored.
    ClampedToFloor,
}

impl Flag {
    /// Every flag, in the order of PROTOCOL.md.
    pub const ALL: [Flag; 3] = [Flag::ClockClamped, Flag::BelowFloor, Flag::ClampedToFloor];

    /// The flag on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Flag::ClockClamped => "clock_clamped",
            Flag::BelowFloor => "below_floor",
            Flag::ClampedToFloor => "clamped_to_floor",
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
    /// The caller's role may not write the table.
    Forbidden,
    /// The row was written before, or does not exist, and its table is append-only.
    AppendOnly,
    /// The state field does not move that way.
    BadTransition,
    /// The delta is none, is not for this member, or its sum has too many digits.
    BadDelta,
    /// The batch has no name, so a delta could be added twice.
    DeltaNeedsBatch,
    /// The member is changed by deltas alone.
    DeltaRequired,
    /// The sum would fall below its floor.
    BelowFloor,
    /// The write is older than deletions are remembered, and the server does not have the record.
    TooOld,
}

impl RejectCode {
    /// Every code, in the order of PROTOCOL.md.
    pub const ALL: [RejectCode; 15] = [
        RejectCode::Malformed,
        RejectCode::UnknownTable,
        RejectCode::BadRecordId,
        RejectCode::BadTime,
        RejectCode::ClockAhead,
        RejectCode::RecordTooLarge,
        RejectCode::TooDeep,
        RejectCode::Forbidden,
        RejectCode::AppendOnly,
        RejectCode::BadTransition,
        RejectCode::BadDelta,
        RejectCode::DeltaNeedsBatch,
        RejectCode::DeltaRequired,
        RejectCode::BelowFloor,
        RejectCode::TooOld,
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
            RejectCode::Forbidden => "forbidden",
            RejectCode::AppendOnly => "append_only",
            RejectCode::BadTransition => "bad_transition",
            RejectCode::BadDelta => "bad_delta",
            RejectCode::DeltaNeedsBatch => "delta_needs_batch",
            RejectCode::DeltaRequired => "delta_required",
            RejectCode::BelowFloor => "below_floor",
            RejectCode::TooOld => "too_old",
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
        let flags = Flag::ALL.iter().map(|flag| flag.as_str());
        for word in codes.chain(Reason::ALL.iter().map(|reason| reason.as_str())).chain(flags) {
            assert!(page.contains(&format!("| `{word}` |")), "PROTOCOL.md lacks {word}");
        }
    }
}
