//! What a room holds: `GET /api/sync/stats` and `GET /api/sync/tables`.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::role::Role;
#[cfg(feature = "schema")]
use crate::wire::schema;

/// Statistics of a room.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct StatsResponse {
    /// Changes in the log that the room has not received yet.
    pub pending_queue_count: u64,
    /// The time of the last commit; `null` before the first.
    #[cfg_attr(feature = "schema", schemars(with = "Option<schema::Time>"))]
    pub last_sync_at: Option<String>,
    /// Every table that the caller may read, by name.
    pub tables_stats: Vec<TableStats>,
    /// The recent clock readings of devices.
    pub clocks: Vec<DeviceClock>,
    /// Stored items of the room that were found damaged in the last week, such as records and log items.
    #[serde(default)]
    pub corrupt: u64,
    /// Pushed records that were answered with a conflict, ever.
    #[serde(default)]
    pub conflict_count: u64,
    /// Open dead letters; only for roles that may handle them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dead_letter_count: Option<u64>,
}

/// Statistics of a table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TableStats {
    /// The table.
    pub table_name: String,
    /// Records that are not deleted.
    pub record_count: u64,
}

/// The difference between a device's clock and the server's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DeviceClock {
    /// The device.
    pub device_id: String,
    /// Milliseconds that its clock is ahead; negative if it is behind.
    pub skew_millis: i64,
    /// The time of the reading.
    #[cfg_attr(feature = "schema", schemars(with = "schema::Time"))]
    pub at: String,
}

/// The tables that the caller may read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TablesResponse {
    /// By name.
    pub tables: Vec<TableInfo>,
}

/// A table and its rules.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TableInfo {
    /// The table.
    pub table_name: String,
    /// How concurrent writes are settled: `last-writer-wins`, `field-merge`, `append-only`, `server-wins`,
    /// `client-wins` or `manual`.
    pub policy: String,
    /// The lowest role that may read it.
    pub read: Role,
    /// The lowest role that may write it.
    pub write: Role,
    /// The window of the table in days; absent if snapshots have all of its records.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window_days: Option<u32>,
    /// The members with a rule of their own, by name.
    pub members: BTreeMap<String, MemberRule>,
}

/// The rule of a single member.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "rule", rename_all = "kebab-case")]
pub enum MemberRule {
    /// Changed by deltas, and set by few.
    Additive {
        /// The lowest sum, as the text of a decimal number; absent without a floor.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        floor: Option<String>,
        /// What happens to a delta that takes the sum below the floor: `reject`, `clamp` or `flag`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        below: Option<String>,
        /// The lowest role that may set the sum: `{"$set": "5"}`.
        repair: Role,
    },
    /// Moves along transitions.
    State {
        /// The states in which a record may be created.
        initial: BTreeSet<String>,
        /// The next states of each state that has any.
        transitions: BTreeMap<String, BTreeSet<String>>,
        /// The lowest role that may move a state that is not among these to one of these.
        repair: Role,
    },
    /// If both sides changed it, the later write wins.
    LastWriterWins,
    /// If both sides changed it, the server's copy wins.
    ServerWins,
    /// If both sides changed it, the incoming write wins.
    ClientWins,
}
