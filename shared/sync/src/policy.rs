//! What happens when two devices write the same record: one file per policy.

pub mod additive;
pub mod append_only;
pub mod client_wins;
pub mod field_merge;
pub mod last_writer_wins;
pub mod manual;
pub mod server_wins;
pub mod state;

use serde::Deserialize;

use additive::Floor;
use last_writer_wins::Side;
use state::States;

/// How a table settles concurrent writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Policy {
    /// The write with the later time at the till stays.
    LastWriterWins,
    /// Members changed on one side merge, members changed on both conflict.
    FieldMerge,
    /// Written once.
    AppendOnly,
    /// The server's copy stays.
    ServerWins,
    /// The incoming write stays.
    ClientWins,
    /// The server's copy stays until somebody has resolved it.
    Manual,
}

/// A member with a rule of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FieldRule {
    /// Changed by deltas alone, which add up; perhaps with a floor.
    Additive(Option<Floor>),
    /// Moves along declared transitions.
    State(States),
    /// In a field-merge table: who wins where both sides changed the member.
    Settled(FieldPolicy),
}

/// Who wins a member that both sides changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldPolicy {
    /// The write with the later time at the till.
    LastWriterWins,
    /// The server's copy.
    ServerWins,
    /// The incoming write.
    ClientWins,
}

/// Who wins when two writes are concurrent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Winner {
    /// The server's copy stays.
    Server,
    /// The incoming write is applied.
    Incoming,
}

impl FieldPolicy {
    /// Who wins the member.
    pub fn winner(self, server: Side<'_>, incoming: Side<'_>) -> Winner {
        match self {
            FieldPolicy::LastWriterWins => last_writer_wins::winner(server, incoming),
            FieldPolicy::ServerWins => server_wins::winner(),
            FieldPolicy::ClientWins => client_wins::winner(),
        }
    }
}
