//! Which devices of a branch are online: `GET /api/presence`.

use serde::{Deserialize, Serialize};

use crate::role::Role;
#[cfg(feature = "schema")]
use crate::wire::schema;
use crate::wire::socket::DeviceStatus;

/// The operation id by which the edge asks a function whether a branch exists. Clients never see it.
pub const BRANCH_OPERATION: &str = "checkBranch";

/// The devices of a branch. A device counts per user, because any user may claim a device id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PresenceResponse {
    /// Devices with an open socket, by device and user.
    pub online: Vec<OnlineDevice>,
    /// Devices without one, the last seen first.
    pub offline: Vec<OfflineDevice>,
    /// False if the server could not read which devices are offline; `offline` is then empty.
    pub offline_known: bool,
}

impl PresenceResponse {
    /// Whether it has no device.
    pub fn is_empty(&self) -> bool {
        self.online.is_empty() && self.offline.is_empty()
    }
}

/// A device with an open socket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct OnlineDevice {
    /// The device.
    pub device_id: String,
    /// The id of its user.
    pub user_id: String,
    /// The role of the user.
    pub role: Role,
    /// When it opened the oldest of its sockets.
    #[cfg_attr(feature = "schema", schemars(with = "schema::Time"))]
    pub since: String,
    /// What it has told of itself last; absent if it told nothing over these sockets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<DeviceStatus>,
    /// When it told that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<schema::Time>"))]
    pub status_at: Option<String>,
}

/// A device without an open socket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct OfflineDevice {
    /// The device.
    pub device_id: String,
    /// The id of its user.
    pub user_id: String,
    /// When the server noticed that its last socket had ended.
    #[cfg_attr(feature = "schema", schemars(with = "schema::Time"))]
    pub last_seen_at: String,
}
