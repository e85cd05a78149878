//! What a device tells of itself over its socket.

use serde::{Deserialize, Serialize};

/// The state of a device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(inline))]
pub struct DeviceStatus {
    /// Records that wait to be pushed.
    pub pending: u32,
    /// When the oldest of them was written, by the device's clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oldest_pending_at: Option<String>,
    /// Conflicts that wait for a person.
    #[serde(default)]
    pub conflicts: u32,
    /// Rejected records that wait for a person.
    #[serde(default)]
    pub rejected: u32,
    /// Name and version of the program.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app: Option<String>,
    /// The storage of the program.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub storage: Option<StorageStatus>,
}

/// The storage of a program.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct StorageStatus {
    /// Bytes in use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub used_bytes: Option<u64>,
    /// Bytes that may be used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quota_bytes: Option<u64>,
    /// Whether the system keeps it when space runs out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub persisted: Option<bool>,
}
