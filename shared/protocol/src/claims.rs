//! The claims of an access token (RFC 7519): who asks, and what they may do.

use serde::{Deserialize, Serialize};

use crate::error::{ApiError, ErrorCode};
use crate::ids::{BranchId, ClientId, DeviceId, Room, SessionId};
use crate::role::Role;

/// `iss` of every token.
pub const ISSUER: &str = "tillsync";
/// `aud` of every access token.
pub const AUDIENCE: &str = "tillsync-api";

/// What a token says. Client and branch come from here and from nowhere else.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// The user's id.
    pub sub: String,
    /// The user's client.
    pub client_id: ClientId,
    /// The user's branch; none for a super admin.
    pub branch_id: Option<BranchId>,
    /// The user's role.
    pub role: Role,
    /// The one device the token may act as; any, if none.
    pub device: Option<DeviceId>,
    /// The session it was issued in: the token is worth nothing once that has ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sid: Option<SessionId>,
    /// Always [`ISSUER`].
    pub iss: String,
    /// Always [`AUDIENCE`].
    pub aud: String,
    /// Seconds since the epoch from which the token is no longer valid.
    pub exp: u64,
    /// Seconds since the epoch at which it was issued.
    pub iat: u64,
    /// The token's own id.
    pub jti: String,
}

impl Claims {
    /// The room the user works in: its own, or for a super admin the one of `named`, a branch of its client.
    pub fn room_of(&self, named: Option<&BranchId>) -> Result<Room, ApiError> {
        let branch = match (&self.branch_id, named, self.role) {
            (_, Some(named), Role::SuperAdmin) => named.clone(),
            (_, Some(_), _) => {
                let message = "Only a super admin may name a branch; leave `branch_id` out.";
                return Err(ApiError::new(ErrorCode::BranchForbidden, message));
            }
            (Some(own), None, _) => own.clone(),
            (None, None, _) => {
                let message = "This user has no branch of its own; name one by `branch_id`.";
                return Err(ApiError::new(ErrorCode::BranchRequired, message));
            }
        };
        Ok(Room { client: self.client_id.clone(), branch })
    }

    /// Whether the user may do what takes at least `role`.
    pub fn at_least(&self, role: Role) -> Result<(), ApiError> {
        if self.role >= role {
            return Ok(());
        }
        let message = format!("This takes at least the role {role}.");
        Err(ApiError::new(ErrorCode::ForbiddenRole, message))
    }

    /// The room the user works in, where the request names none.
    pub fn room(&self) -> Result<Room, ApiError> {
        self.room_of(None)
    }

    /// Whether the token may act as `device`.
    pub fn acts_as(&self, device: &DeviceId) -> Result<(), ApiError> {
        match &self.device {
            Some(own) if own != device => {
                let message = "This token belongs to another device; sign in with this device's `device_id`.";
                Err(ApiError::new(ErrorCode::DeviceMismatch, message))
            }
            _ => Ok(()),
        }
    }
}
