//! `GET /api/sync/devices/{device_id}`.

use serde::{Deserialize, Serialize};

use crate::ids::DeviceId;
#[cfg(feature = "schema")]
use crate::wire::schema;

/// Which numbered batches of a device the branch holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DeviceResponse {
    /// The device.
    pub device_id: DeviceId,
    /// The numbers of its batches that were committed, the range that changed last first.
    pub batches: Vec<NumberRange>,
    /// When a batch was added to them last; `null` if there are none.
    #[cfg_attr(feature = "schema", schemars(with = "Option<schema::Time>"))]
    pub last_batch_at: Option<String>,
    /// Whether the device gave a number to two batches: its numbers prove nothing any more.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub numbers_reused: bool,
}

/// Numbers without a hole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct NumberRange {
    /// The first number.
    pub first: u64,
    /// The last number; all between are held too.
    pub last: u64,
}
