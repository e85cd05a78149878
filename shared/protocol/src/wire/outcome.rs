//! The reasons, flags and codes of a pushed record's outcome.

use strum::{IntoStaticStr, VariantArray};

/// Why the server's copy stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, VariantArray, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum ConflictReason {
    /// Written later by another device, or from another version.
    NewerOnServer,
    /// The write has `base_version` 0 and the record exists.
    AlreadyExists,
    /// The record is deleted or purged, and the write does not name the version of the tombstone.
    DeletedOnServer,
    /// In this table the first of two concurrent writes stays.
    ServerWins,
    /// In this table a person resolves concurrent writes.
    Manual,
    /// Both sides changed the same members.
    FieldsConflict,
    /// The batch was committed, but the server can no longer tell what became of the record.
    OutcomeUnknown,
    /// The write names a version that the server's copy never had.
    UnknownVersion,
}

impl ConflictReason {
    /// Every reason, in the order of PROTOCOL.md. Markers store a reason's position, so new ones go to the
    /// end.
    pub const ALL: &'static [ConflictReason] = ConflictReason::VARIANTS;

    /// The reason on the wire: the variant's name in snake case.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// What a till should know about an applied record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, VariantArray, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum Flag {
    /// Its time was over 5 minutes ahead of the server's and was replaced by it.
    ClockClamped,
    /// A sum fell below its floor and is stored anyway.
    BelowFloor,
    /// A sum would have fallen below its floor; the floor is stored.
    ClampedToFloor,
}

impl Flag {
    /// Every flag, in the order of PROTOCOL.md. Markers store a flag's position, so new ones go to the end.
    pub const ALL: &'static [Flag] = Flag::VARIANTS;

    /// The flag on the wire: the variant's name in snake case.
    pub fn as_str(self) -> &'static str {
        self.into()
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, VariantArray, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum RejectionCode {
    /// A field is missing or of the wrong type.
    Malformed,
    /// The table is not synced.
    UnknownTable,
    /// The id is empty, too long, or has control characters.
    BadRecordId,
    /// `local_updated_at` is not a date and time.
    BadTime,
    /// `local_updated_at` is over 5 minutes ahead of the server.
    ClockAhead,
    /// `data` is over 64 KiB.
    RecordTooLarge,
    /// `data` nests too deeply.
    TooDeep,
    /// The caller's role may not write the table.
    Forbidden,
    /// The table is append-only: the row exists, or the write is a delete.
    AppendOnly,
    /// The state field has no such transition.
    BadTransition,
    /// The delta is malformed, its member is not additive, or the sum has too many digits.
    BadDelta,
    /// The batch has no id, so a retry could add the delta twice.
    DeltaNeedsBatch,
    /// The member is changed by deltas only.
    DeltaRequired,
    /// The sum would fall below its floor.
    BelowFloor,
    /// The write is older than the retention of tombstones, and the server does not have the record.
    TooOld,
    /// The server's copy of the record is damaged.
    RecordCorrupt,
    /// Another record of its group was not applied, so nothing of the group is.
    GroupUndone,
    /// The record is in conflict, so nothing of its group is applied.
    GroupConflict,
    /// The batch tells no time, so a late retry could add the delta twice.
    UndatedDelta,
}

impl RejectionCode {
    /// Every code, in the order of PROTOCOL.md. Markers store a code's position, so new ones go to the end.
    pub const ALL: &'static [RejectionCode] = RejectionCode::VARIANTS;

    /// The code on the wire: the variant's name in snake case.
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// A rejection with this code.
    pub fn with_message(self, message: impl Into<String>) -> Rejection {
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
