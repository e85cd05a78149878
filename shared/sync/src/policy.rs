//! What happens when two devices write the same record. Policies with logic of their own have a file each.

pub mod additive;
pub mod append_only;
pub mod field_merge;
pub mod last_writer_wins;
pub mod state;

use serde::Deserialize;

use additive::Floor;
use last_writer_wins::Side;
use protocol::role::Role;
use state::States;

/// The lowest role that may set a sum, or move a state that is not declared (any more) to a declared one.
pub const REPAIR_ROLE: Role = Role::Manager;

/// How a table settles concurrent writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, strum::IntoStaticStr)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum Policy {
    /// The write with the later time by the till's clock wins.
    LastWriterWins,
    /// Members changed on one side merge; members changed on both sides conflict.
    FieldMerge,
    /// A row is written once.
    AppendOnly,
    /// The server's copy wins: the first write to arrive.
    ServerWins,
    /// The incoming write wins: the last to arrive.
    ClientWins,
    /// The server's copy stays until a person resolves the conflict.
    Manual,
}

impl Policy {
    /// The policy's name in a tables file.
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// Whether the later of two concurrent writes wins.
    pub fn is_settled_by_time(self) -> bool {
        matches!(self, Policy::LastWriterWins | Policy::FieldMerge)
    }
}

/// The rule of a single member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FieldRule {
    /// Changed by deltas only, which are summed up, with an optional floor.
    Additive(Option<Floor>),
    /// Moves along declared transitions.
    State(States),
    /// In a field-merge table: who wins if both sides changed the member.
    Settled(FieldPolicy),
}

/// Who wins a member that both sides changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::IntoStaticStr)]
#[strum(serialize_all = "kebab-case")]
pub enum FieldPolicy {
    /// The write with the later time by the till's clock.
    LastWriterWins,
    /// The server's copy.
    ServerWins,
    /// The incoming write.
    ClientWins,
}

/// The winner of two concurrent writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Winner {
    /// The server's copy stays.
    Server,
    /// The incoming write is applied.
    Incoming,
}

impl FieldPolicy {
    /// The policy's name in a tables file.
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// The winner of the member.
    pub fn winner(self, server: Side<'_>, incoming: Side<'_>) -> Winner {
        match self {
            FieldPolicy::LastWriterWins => last_writer_wins::winner(server, incoming),
            FieldPolicy::ServerWins => Winner::Server,
            FieldPolicy::ClientWins => Winner::Incoming,
        }
    }
}
