//! What becomes of one record of a push. Never an `Err`: one record cannot fail its batch.

use crate::record::Record;
use protocol::json::JsonText;
use protocol::stamp::Stamp;
use protocol::wire::outcome::{ConflictReason, Flag, Rejection};

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
        reason: ConflictReason,
        /// The record as it is now.
        server: Record,
    },
    /// The server's copy stays.
    Conflict {
        /// Why.
        reason: ConflictReason,
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
