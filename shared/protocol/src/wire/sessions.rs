//! `GET /api/sessions` and `DELETE /api/sessions/{id|others|all}`.

use serde::{Deserialize, Serialize};

use crate::ids::{DeviceId, SessionId};
#[cfg(feature = "schema")]
use crate::wire::schema;

/// Where the caller is signed in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SessionsResponse {
    /// Every sign-in that can go on, the latest first.
    pub sessions: Vec<SessionInfo>,
    /// Whether the times of last activity are those of the last request. If not, they are those of the last refresh,
    /// because what keeps track of requests did not answer.
    pub activity_known: bool,
}

/// One sign-in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SessionInfo {
    /// Names it, for ending it.
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub id: SessionId,
    /// The device that its tokens are bound to; `null` if to none.
    pub device_id: Option<DeviceId>,
    /// The address that it was last refreshed from; `null` if unknown.
    pub address: Option<String>,
    /// What the program there calls itself; `null` if unknown.
    pub agent: Option<String>,
    /// When the user signed in.
    #[cfg_attr(feature = "schema", schemars(with = "schema::Time"))]
    pub created_at: String,
    /// When it was last used, to a few seconds.
    #[cfg_attr(feature = "schema", schemars(with = "schema::Time"))]
    pub last_activity_at: String,
    /// Whether it was not used for two hours or more.
    pub idle: bool,
    /// Whether it is the one that asks.
    pub current: bool,
}

/// The answer to ending sessions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SessionsEnded {
    /// How many were ended.
    pub ended: u64,
    /// Seconds until the last access token of these is refused. No refresh token of theirs works from now on.
    pub effective_within_secs: u64,
}
