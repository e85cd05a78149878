//! Tells that a device went online or offline.

use serde::{Deserialize, Serialize};

use crate::role::Role;
#[cfg(feature = "schema")]
use crate::wire::schema;

/// A device of a branch that went online or offline.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(inline))]
pub struct PresenceFrame {
    /// The device.
    pub device_id: String,
    /// The id of its user. A device counts per user.
    pub user_id: String,
    /// The role of the user.
    pub role: Role,
    /// Whether it has an open socket.
    pub online: bool,
    /// When it opened its first socket, or when the server noticed that its last one had ended.
    #[cfg_attr(feature = "schema", schemars(with = "schema::Time"))]
    pub at: String,
    /// `client:branch`
    pub room: String,
}
