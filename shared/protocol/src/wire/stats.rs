//! `GET /api/sync/stats`.

use serde::{Deserialize, Serialize};

#[cfg(feature = "schema")]
use crate::wire::schema;

/// The figures of a room.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct StatsResponse {
    /// Changes in the log that the room has not been told of yet.
    pub pending_queue_count: u64,
    /// When the room's last change was committed; `null` before the first.
    #[cfg_attr(feature = "schema", schemars(with = "Option<schema::Time>"))]
    pub last_sync_at: Option<String>,
    /// Every table that the caller may read, by name.
    pub tables_stats: Vec<TableStats>,
    /// The clocks of the devices that told theirs lately.
    pub clocks: Vec<DeviceClock>,
}

/// The figures of a table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TableStats {
    /// Which.
    pub table_name: String,
    /// Records that are there and not deleted.
    pub record_count: u64,
}

/// How far a device's clock is from the server's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DeviceClock {
    /// Which device.
    pub device_id: String,
    /// Milliseconds that it is ahead; negative if it is behind.
    pub skew_millis: i64,
    /// When it last told its time.
    #[cfg_attr(feature = "schema", schemars(with = "schema::Time"))]
    pub at: String,
}
