//! Access tokens: EdDSA-signed JSON Web Tokens (RFC 7519, RFC 8037), verified at the edge and again in
//! every function, with public keys only.

pub mod provider;

use jsonwebtoken::jwk::{AlgorithmParameters, JwkSet};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde::{Deserialize, Serialize};

use crate::error::{Code, Refusal};
use crate::limits::TOKEN_BYTES_MAX;
use crate::micros::Micros;
use crate::tenant::{BranchId, ClientId, DeviceId, Room, SessionId};

/// `iss` of every token.
pub const ISSUER: &str = "tillsync";
/// `aud` of every access token.
pub const AUDIENCE: &str = "tillsync-api";

/// What Redis holds in a session's place once it has ended.
pub const SESSION_ENDED: &str = "revoked";

/// What a user may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Works at a till.
    Cashier,
    /// Runs a branch.
    Manager,
    /// Runs a client's set-up.
    Admin,
    /// Head office: every branch of its client.
    SuperAdmin,
}

impl Role {
    /// What the role may do, as `GET /api/auth/me` lists it.
    pub fn permissions(self) -> &'static [&'static str] {
        match self {
            Role::Cashier => &["sync:push", "sync:pull", "room:own"],
            Role::Manager | Role::Admin => &["sync:push", "sync:pull", "room:own", "dead_letters"],
            Role::SuperAdmin => &["sync:push", "sync:pull", "branch:any", "dead_letters"],
        }
    }
}

impl std::fmt::Display for Role {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Role::Cashier => "cashier",
            Role::Manager => "manager",
            Role::Admin => "admin",
            Role::SuperAdmin => "super_admin",
        })
    }
}

impl std::str::FromStr for Role {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Role, Self::Err> {
        match text {
            "cashier" => Ok(Role::Cashier),
            "manager" => Ok(Role::Manager),
            "admin" => Ok(Role::Admin),
            "super_admin" => Ok(Role::SuperAdmin),
            _ => Err("a role is cashier, manager, admin or super_admin"),
        }
    }
}

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
    pub fn room_of(&self, named: Option<&BranchId>) -> Result<Room, Refusal> {
        let branch = match (&self.branch_id, named, self.role) {
            (_, Some(named), Role::SuperAdmin) => named.clone(),
            (_, Some(_), _) => {
                let message = "Only a super admin may name a branch; leave `branch_id` out.";
                return Err(Refusal::new(Code::BranchForbidden, message));
            }
            (Some(own), None, _) => own.clone(),
            (None, None, _) => {
                let message = "This user has no branch of its own; name one by `branch_id`.";
                return Err(Refusal::new(Code::BranchRequired, message));
            }
        };
        Ok(Room { client: self.client_id.clone(), branch })
    }

    /// Whether the user may do what takes at least `role`.
    pub fn at_least(&self, role: Role) -> Result<(), Refusal> {
        if self.role >= role {
            return Ok(());
        }
        let message = format!("This takes at least the role {role}.");
        Err(Refusal::new(Code::ForbiddenRole, message))
    }

    /// The room the user works in, where the request names none.
    pub fn room(&self) -> Result<Room, Refusal> {
        self.room_of(None)
    }

    /// Whether the token may act as `device`.
    pub fn acts_as(&self, device: &DeviceId) -> Result<(), Refusal> {
        match &self.device {
            Some(own) if own != device => {
                let message = "This token belongs to another device; sign in with this device's `device_id`.";
                Err(Refusal::new(Code::DeviceMismatch, message))
            }
            _ => Ok(()),
        }
    }
}

/// A set of public keys that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ReadKeysError {
    /// The text is no JSON Web Key Set.
    #[error("failed to read the key set: {0}")]
    Json(#[from] serde_json::Error),
    /// A key is of another sort.
    #[error("failed to read the key set: every key must be an Ed25519 key with a kid")]
    Kind,
}

/// Verifies access tokens with the public keys of a JSON Web Key Set.
#[derive(Clone)]
pub struct Verifier(Vec<(String, DecodingKey)>);

impl std::fmt::Debug for Verifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(kid, _)| kid)).finish()
    }
}

impl Verifier {
    /// Reads a JSON Web Key Set of Ed25519 keys (RFC 8037).
    pub fn from_jwks(text: &str) -> Result<Verifier, ReadKeysError> {
        provider::install();
        let set: JwkSet = serde_json::from_str(text)?;
        let keys = set.keys.iter().map(|jwk| {
            let kid = jwk.common.key_id.clone().ok_or(ReadKeysError::Kind)?;
            let AlgorithmParameters::OctetKeyPair(pair) = &jwk.algorithm else {
                return Err(ReadKeysError::Kind);
            };
            let key = DecodingKey::from_ed_components(&pair.x).map_err(|_| ReadKeysError::Kind)?;
            // Found out now and not with the first token.
            let fits = key.try_get_as_bytes().is_ok_and(|bytes| bytes.len() == 32);
            if fits { Ok((kid, key)) } else { Err(ReadKeysError::Kind) }
        });
        keys.collect::<Result<_, _>>().map(Verifier)
    }

    /// The claims of `token` if it is ours and valid at `now`.
    pub fn verify(&self, token: &str, now: Micros) -> Result<Claims, Refusal> {
        let invalid = || Refusal::new(Code::TokenInvalid, "The access token is not valid; sign in again.");
        if token.len() > TOKEN_BYTES_MAX {
            return Err(invalid());
        }
        let header = jsonwebtoken::decode_header(token).map_err(|_| invalid())?;
        let key = self.0.iter().find(|(kid, _)| Some(kid) == header.kid.as_ref());
        let (_, key) = key.ok_or_else(invalid)?;
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.set_issuer(&[ISSUER]);
        validation.set_audience(&[AUDIENCE]);
        // The library would read the clock; the rules take the time as an argument.
        validation.validate_exp = false;
        let claims = jsonwebtoken::decode::<Claims>(token, key, &validation).map_err(|_| invalid())?.claims;
        if claims.exp <= now.as_secs() {
            let message = "The access token has expired; refresh it at /api/auth/refresh.";
            return Err(Refusal::new(Code::TokenExpired, message));
        }
        Ok(claims)
    }
}

/// The token of an `Authorization: Bearer` header.
pub fn bearer(header: Option<&str>) -> Result<&str, Refusal> {
    let missing = || Refusal::new(Code::TokenMissing, "Send the access token as `Authorization: Bearer …`.");
    let (scheme, token) = header.and_then(|text| text.split_once(' ')).ok_or_else(missing)?;
    let token = token.trim();
    if scheme.eq_ignore_ascii_case("bearer") && !token.is_empty() { Ok(token) } else { Err(missing()) }
}

#[cfg(test)]
mod tests;
