//! What happens when two devices write the same record: one file per policy.

pub mod last_writer_wins;

use serde::Deserialize;

/// How a table settles concurrent writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Policy {
    /// The write with the later time at the till stays.
    LastWriterWins,
}

/// Who wins when two writes are concurrent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Winner {
    /// The server's copy stays; the incoming write is reported as a conflict.
    Server,
    /// The incoming write is applied.
    Incoming,
}
