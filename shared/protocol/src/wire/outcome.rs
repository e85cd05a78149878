//! The reasons, flags and codes that tell what became of one pushed record.

/// Why the server's copy stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConflictReason {
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

impl ConflictReason {
    /// Every reason, in the order of PROTOCOL.md.
    pub const ALL: [ConflictReason; 6] = [
        ConflictReason::NewerOnServer,
        ConflictReason::AlreadyExists,
        ConflictReason::DeletedOnServer,
        ConflictReason::ServerWins,
        ConflictReason::Manual,
        ConflictReason::FieldsConflict,
    ];

    /// The reason on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            ConflictReason::NewerOnServer => "newer_on_server",
            ConflictReason::AlreadyExists => "already_exists",
            ConflictReason::DeletedOnServer => "deleted_on_server",
            ConflictReason::ServerWins => "server_wins",
            ConflictReason::Manual => "manual",
            ConflictReason::FieldsConflict => "fields_conflict",
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
    pub code: RejectionCode,
    /// What to do about it.
    pub message: String,
}

/// The `details` of `record_rejected`.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RejectionDetails {
    /// A reason of a push's `conflicts`, or a code of its `errors`.
    pub code: String,
}

/// Why a record is rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RejectionCode {
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

impl RejectionCode {
    /// Every code, in the order of PROTOCOL.md.
    pub const ALL: [RejectionCode; 15] = [
        RejectionCode::Malformed,
        RejectionCode::UnknownTable,
        RejectionCode::BadRecordId,
        RejectionCode::BadTime,
        RejectionCode::ClockAhead,
        RejectionCode::RecordTooLarge,
        RejectionCode::TooDeep,
        RejectionCode::Forbidden,
        RejectionCode::AppendOnly,
        RejectionCode::BadTransition,
        RejectionCode::BadDelta,
        RejectionCode::DeltaNeedsBatch,
        RejectionCode::DeltaRequired,
        RejectionCode::BelowFloor,
        RejectionCode::TooOld,
    ];

    /// The code on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            RejectionCode::Malformed => "malformed",
            RejectionCode::UnknownTable => "unknown_table",
            RejectionCode::BadRecordId => "bad_record_id",
            RejectionCode::BadTime => "bad_time",
            RejectionCode::ClockAhead => "clock_ahead",
            RejectionCode::RecordTooLarge => "record_too_large",
            RejectionCode::TooDeep => "too_deep",
            RejectionCode::Forbidden => "forbidden",
            RejectionCode::AppendOnly => "append_only",
            RejectionCode::BadTransition => "bad_transition",
            RejectionCode::BadDelta => "bad_delta",
            RejectionCode::DeltaNeedsBatch => "delta_needs_batch",
            RejectionCode::DeltaRequired => "delta_required",
            RejectionCode::BelowFloor => "below_floor",
            RejectionCode::TooOld => "too_old",
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
        let page = include_str!("../../../../PROTOCOL.md");
        let codes = RejectionCode::ALL.iter().map(|code| code.as_str());
        let flags = Flag::ALL.iter().map(|flag| flag.as_str());
        for word in codes.chain(ConflictReason::ALL.iter().map(|reason| reason.as_str())).chain(flags) {
            assert!(page.contains(&format!("| `{word}` |")), "PROTOCOL.md lacks {word}");
        }
    }
}
