//! Sign-in and sign-out.

use serde::{Deserialize, Serialize};

use crate::ids::{BranchId, ClientId, DeviceId};
use crate::role::Role;

/// The body of `POST /api/auth/login`.
#[derive(Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(expecting = "an object")]
pub struct LoginRequest {
    /// The user's name, unique in the deployment.
    pub username: String,
    /// The password.
    pub password: String,
    /// Binds the tokens to this device.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_id: Option<DeviceId>,
    /// The last refresh token of the device, expired or not: wrong passwords of others do not delay it.
    #[serde(default, rename = "refreshToken", skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<String>,
}

/// The body of `POST /api/auth/refresh` and `/api/auth/logout`.
#[derive(Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[serde(expecting = "an object")]
pub struct RefreshRequest {
    /// The latest refresh token.
    pub refresh_token: String,
}

/// The response to login and refresh.
#[derive(Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct SessionResponse {
    /// For `Authorization: Bearer`; valid for 15 minutes.
    pub access_token: String,
    /// For the next refresh; valid for 30 days.
    pub refresh_token: String,
    /// Seconds until the access token expires.
    pub expires_in: u64,
    /// The user.
    pub user: User,
}

/// A user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct User {
    /// The user's id; it never changes.
    pub id: String,
    /// The name to sign in with.
    pub username: String,
    /// The user's role.
    pub role: Role,
    /// The user's client.
    pub client_id: ClientId,
    /// The user's branch; `null` for a super admin.
    pub branch_id: Option<BranchId>,
}

/// The response to `GET /api/auth/me`.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct MeResponse {
    /// The user.
    pub user: User,
    /// The permissions of the user's role.
    pub permissions: Vec<String>,
}
