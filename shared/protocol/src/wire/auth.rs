//! Signing in and out.

use serde::{Deserialize, Serialize};

use crate::ids::{BranchId, ClientId, DeviceId};
use crate::role::Role;

/// The body of `POST /api/auth/login`.
#[derive(Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(expecting = "an object")]
pub struct Login {
    /// The user's name, unique in the deployment.
    pub username: String,
    /// The password.
    pub password: String,
    /// Binds the tokens to this device.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_id: Option<DeviceId>,
}

/// The body of `POST /api/auth/refresh` and `/api/auth/logout`.
#[derive(Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[serde(expecting = "an object")]
pub struct Refresh {
    /// The refresh token of the last answer.
    pub refresh_token: String,
}

/// The answer to login and refresh.
#[derive(Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Session {
    /// For `Authorization: Bearer`, 15 minutes.
    pub access_token: String,
    /// For the next refresh, 30 days.
    pub refresh_token: String,
    /// Seconds until the access token expires.
    pub expires_in: u64,
    /// Who signed in.
    pub user: User,
}

/// A user, as shown to the user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct User {
    /// The user's id, the same for ever.
    pub id: String,
    /// The name to sign in with.
    pub username: String,
    /// What the user may do.
    pub role: Role,
    /// The user's client.
    pub client_id: ClientId,
    /// The user's branch; none for a super admin.
    pub branch_id: Option<BranchId>,
}

/// The answer to `GET /api/auth/me`.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Me {
    /// Who is signed in.
    pub user: User,
    /// What the user's role permits.
    pub permissions: Vec<String>,
}
