//! `GET /api/sessions` and `DELETE /api/sessions/{id|others|all}`.

use serde::{Deserialize, Serialize};

use crate::ids::{DeviceId, SessionId};
#[cfg(feature = "schema")]
use crate::wire::schema;

/// The sessions of the caller.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SessionsResponse {
    /// Every session that can be refreshed, latest first.
    pub sessions: Vec<SessionInfo>,
    /// Whether `last_activity_at` is the time of the last request. If false, it is the time of the last
    /// refresh, because Redis was unreachable.
    pub activity_known: bool,
}

/// One session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SessionInfo {
    /// Its id, for ending it.
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub id: SessionId,
    /// The device that its tokens are bound to; `null` if none.
    pub device_id: Option<DeviceId>,
    /// The address of the last refresh; `null` if unknown.
    pub address: Option<String>,
    /// The `User-Agent` of the last refresh; `null` if unknown.
    pub agent: Option<String>,
    /// When the user signed in.
    #[cfg_attr(feature = "schema", schemars(with = "schema::Time"))]
    pub created_at: String,
    /// When it was last used, to within a few seconds.
    #[cfg_attr(feature = "schema", schemars(with = "schema::Time"))]
    pub last_activity_at: String,
    /// Whether it was unused for two hours or more.
    pub idle: bool,
    /// Whether it is the session of this request.
    pub current: bool,
}

/// The response to ending sessions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct EndSessionsResponse {
    /// Number of ended sessions.
    pub ended: u64,
    /// Seconds until all access tokens of these sessions are refused. Their refresh tokens are refused from
    /// now on.
    pub effective_within_secs: u64,
}
