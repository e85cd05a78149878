//! The outcome of one pushed record. Never an `Err`: a bad record does not fail its batch.

use crate::push::Write;
use crate::record::Record;
use protocol::json::JsonText;
use protocol::stamp::Stamp;
use protocol::wire::outcome::{ConflictReason, Flag, Rejection};

/// The outcome of one record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Written in this commit.
    Applied {
        /// The record's new version.
        version: u64,
        /// The stamp of the change.
        stamp: Stamp,
        /// The stored data, where it differs from what was sent.
        stored: Option<JsonText>,
        /// What the till should know about the write.
        flags: Vec<Flag>,
    },
    /// A retry: the server already has this write, so nothing was written.
    AlreadyApplied {
        /// The stored data, where it differs from what was sent.
        stored: Option<JsonText>,
        /// The version the server has.
        version: u64,
        /// The stamp of the commit that wrote it.
        stamp: Stamp,
    },
    /// A part was written in this commit; the server's copy keeps the rest.
    Merged {
        /// Why a part was not written.
        reason: ConflictReason,
        /// The merged record.
        server: Record,
    },
    /// The server's copy stays.
    Conflict {
        /// Why.
        reason: ConflictReason,
        /// The server's copy, if there is one.
        server: Option<Record>,
    },
    /// The record is invalid or not allowed.
    Rejected(Rejection),
}

impl Outcome {
    /// The outcome of a record whose batch was committed before, by a room that has lost what became of it. A
    /// record that `server` holds as it was sent is applied. Of every other one the outcome is unknown, and
    /// its device keeps it until a person has looked.
    pub(crate) fn of_committed(write: &Write, is_atomic: bool, server: Option<&Record>) -> Outcome {
        match server {
            // An atomic batch was committed whole.
            Some(Record { version, stamp, data, .. }) if is_atomic => {
                let (version, stamp, stored) = (*version, *stamp, write.differing(data));
                Outcome::AlreadyApplied { version, stamp, stored }
            }
            Some(server) if write.deleted == server.deleted && write.differing(&server.data).is_none() => {
                Outcome::AlreadyApplied { version: server.version, stamp: server.stamp, stored: None }
            }
            // It was deleted later, and its tombstone has expired.
            None if is_atomic || write.deleted => {
                Outcome::AlreadyApplied { version: 0, stamp: Stamp::ZERO, stored: None }
            }
            server => Outcome::Conflict { reason: ConflictReason::OutcomeUnknown, server: server.cloned() },
        }
    }

    /// Whether the server has everything that was sent.
    pub fn is_applied(&self) -> bool {
        matches!(self, Outcome::Applied { .. } | Outcome::AlreadyApplied { .. })
    }

    /// Whether it is answered with a conflict.
    pub fn is_conflict(&self) -> bool {
        matches!(self, Outcome::Merged { .. } | Outcome::Conflict { .. })
    }
}
