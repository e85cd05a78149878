//! `GET /api/sync/stats`.

use serde::{Deserialize, Serialize};

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
