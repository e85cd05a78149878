//! `POST /api/sync/ws-ticket`.

use serde::{Deserialize, Serialize};

use crate::ids::DeviceId;

/// The body of the request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(expecting = "an object")]
pub struct SocketTicketRequest {
    /// The device that will connect.
    pub device_id: DeviceId,
}

/// The response.
#[derive(Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SocketTicketResponse {
    /// For `/ws?ticket=…`, once.
    pub ticket: String,
    /// Seconds until it expires.
    pub expires_in: u64,
}
