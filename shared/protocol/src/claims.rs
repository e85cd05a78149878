//! The claims of an access token (RFC 7519).

use serde::{Deserialize, Serialize};

use crate::error::{ApiError, ErrorCode};
use crate::ids::{BranchId, ClientId, DeviceId, Room, SessionId, SocketRoom};
use crate::role::Role;
use crate::timestamp::Timestamp;

/// `iss` of every token.
pub const ISSUER: &str = "tillsync";
/// `aud` of every access token.
pub const AUDIENCE: &str = "tillsync-api";

/// The claims. Client and branch of a request come only from here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// The user's id.
    pub sub: String,
    /// The user's client.
    pub client_id: ClientId,
    /// The user's branch; `None` for a super admin.
    pub branch_id: Option<BranchId>,
    /// The user's role.
    pub role: Role,
    /// The only device that the token may act as; `None` for any.
    pub device: Option<DeviceId>,
    /// The session it was issued in; the token is invalid once the session has ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sid: Option<SessionId>,
    /// Always [`ISSUER`].
    pub iss: String,
    /// Always [`AUDIENCE`].
    pub aud: String,
    /// Expiry, in seconds since the epoch.
    pub exp: u64,
    /// Time of issue, in seconds since the epoch.
    pub iat: u64,
    /// The token's id.
    pub jti: String,
}

impl Claims {
    /// When the token expires.
    pub fn expires_at(&self) -> Timestamp {
        Timestamp(0).plus_secs(self.exp)
    }

    /// The user's own room, or for a super admin the room of the branch `named`. Others may name their own
    /// branch: a till whose user was moved then writes nothing of its old branch into the new one.
    /// [`ErrorCode::BranchForbidden`] or [`ErrorCode::BranchRequired`].
    pub fn room_of(&self, named: Option<&BranchId>) -> Result<Room, ApiError> {
        let branch = match (&self.branch_id, named, self.role) {
            (_, Some(named), Role::SuperAdmin) => named.clone(),
            (own, Some(named), _) if own.as_ref() != Some(named) => {
                let message =
                    "`branch_id` is not this user's branch; only a super admin may name another one.";
                return Err(ApiError::new(ErrorCode::BranchForbidden, message));
            }
            (Some(own), _, _) => own.clone(),
            (None, _, _) => {
                let message = "This user has no branch of its own; name one by `branch_id`.";
                return Err(ApiError::new(ErrorCode::BranchRequired, message));
            }
        };
        Ok(Room { client: self.client_id.clone(), branch })
    }

    /// The room of the user's sockets: the hub of its client for a super admin, the own room for all others,
    /// who may name their branch like in [`Claims::room_of`].
    pub fn socket_room(&self, named: Option<&BranchId>) -> Result<SocketRoom, ApiError> {
        if self.role == Role::SuperAdmin {
            return Ok(SocketRoom::Hub(self.client_id.clone()));
        }
        self.room_of(named).map(SocketRoom::Branch)
    }

    /// [`ErrorCode::ForbiddenRole`] if the role is lower than `role`.
    pub fn at_least(&self, role: Role) -> Result<(), ApiError> {
        if self.role >= role {
            return Ok(());
        }
        let message = format!("This takes at least the role {role}.");
        Err(ApiError::new(ErrorCode::ForbiddenRole, message))
    }

    /// The user, if the token belongs to no device and may therefore name any.
    pub fn free_user(&self) -> Option<&str> {
        self.device.is_none().then_some(self.sub.as_str())
    }

    /// [`ErrorCode::DeviceMismatch`] if the token belongs to another device.
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
