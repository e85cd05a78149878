//! Rotation of refresh tokens: pure rules over one family, which is one sign-in on one device.
//!
//! A token is `<user>.<family>.<secret>`, so it names its item. The successor's secret is derived from the
//! secret and a random salt (HMAC-SHA256): a retry after a lost response gets the same successor, but neither
//! the database (salt and hashes) nor an old token (no salt) is enough to derive it. The rules follow RFC
//! 9700, section 4.14, with a grace period for lost responses.
//!
//! The second half of a secret is a tag over the first half, by a key that only the family's item has. So an
//! old token, whose use revokes the family, differs from one that was made up, which is merely refused.

use std::collections::BTreeSet;

use auth::limits::{REFRESH_GRACE_SECS, REFRESH_TOKEN_SECS, SESSION_SECS_MAX};
use protocol::ids::{BranchId, ClientId, DeviceId, SessionId};
use protocol::role::Role;
use protocol::timestamp::Timestamp;
use protocol::wire::auth::User;
use subtle::ConstantTimeEq;

mod secret;

use super::client_info::ClientInfo;
pub use secret::{SecretBytes, Token};
use secret::{derive, hash, is, successor, tagged};

/// A family. It holds hashes of secrets, never a secret.
#[derive(Clone, PartialEq, Eq)]
pub struct Family {
    /// Its id.
    pub id: String,
    /// The user's id.
    pub user: String,
    /// The session of its access tokens. A change of the user's privileges begins another session.
    pub session: SessionId,
    /// The previous session, whose access tokens carry outdated privileges.
    pub before: Option<EndedSession>,
    /// The user's privileges when the session began.
    pub privileges: Privileges,
    /// The device that its access tokens are bound to.
    pub device: Option<DeviceId>,
    /// The client that signed in or refreshed last.
    pub client: ClientInfo,
    /// When the user signed in.
    pub started_at: Timestamp,
    /// SHA-256 of the current token's secret.
    pub current: [u8; 32],
    /// SHA-256 of the secret before it.
    pub previous: Option<[u8; 32]>,
    /// The salt that the current secret was derived with.
    pub salt: [u8; 32],
    /// The key of the tags in its tokens; `None` if its tokens have no tags yet.
    pub tag_key: Option<[u8; 32]>,
    /// When the current token replaced the previous one.
    pub rotated_at: Timestamp,
    /// When the current token expires; if revoked, when the last access token has expired.
    pub expires_at: Timestamp,
    /// Whether the family was revoked.
    pub revoked: bool,
}

/// Role and place of a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Privileges {
    /// The role.
    pub role: Role,
    /// The client.
    pub client: ClientId,
    /// The branch; `None` for a super admin.
    pub branch: Option<BranchId>,
}

impl Privileges {
    /// The privileges of `user`.
    pub fn of(user: &User) -> Privileges {
        let User { role, client_id, branch_id, .. } = user;
        Privileges { role: *role, client: client_id.clone(), branch: branch_id.clone() }
    }

    /// `user` with these privileges.
    pub fn apply_to(self, user: User) -> User {
        User { role: self.role, client_id: self.client, branch_id: self.branch, ..user }
    }
}

/// A session that has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndedSession {
    /// Its id.
    pub session: SessionId,
    /// Its client.
    pub client: ClientId,
    /// The branch whose room may have its sockets; `None` for a super admin, who has no sockets.
    pub branch: Option<BranchId>,
}

/// What a new family is made of.
pub struct NewFamily {
    /// The family's id.
    pub id: String,
    /// Its first session.
    pub session: SessionId,
    /// The device to bind its access tokens to.
    pub device: Option<DeviceId>,
    /// The client that signed in.
    pub client: ClientInfo,
}

/// The outcome of presenting a token.
#[derive(PartialEq, Eq)]
pub enum Presented {
    /// It is the current token: the family becomes `next`, whose token has `secret`.
    Rotate {
        /// The family after the rotation.
        next: Box<Family>,
        /// The new token's secret.
        secret: SecretBytes,
    },
    /// It was replaced a moment ago and its successor is unused: the same successor again.
    Repeat {
        /// The current token's secret.
        secret: SecretBytes,
    },
    /// It was replaced before, so it was copied. The family must be revoked.
    Reused,
    /// It was never a token of the family.
    Forged,
    /// It has expired, or its family was revoked.
    Over,
}

impl Family {
    /// A new family of `user` and the secret of its first token; `seed` and `tag_key` must be random.
    pub fn new(
        user: &User,
        new: NewFamily,
        seed: &[u8; 32],
        tag_key: [u8; 32],
        now: Timestamp,
    ) -> (Family, SecretBytes) {
        let NewFamily { id, session, device, client } = new;
        let secret = tagged(seed, &tag_key);
        let family = Family {
            id,
            user: user.id.clone(),
            session,
            before: None,
            privileges: Privileges::of(user),
            device,
            client,
            started_at: now,
            current: hash(&secret),
            previous: None,
            salt: [0; 32],
            tag_key: Some(tag_key),
            rotated_at: now,
            expires_at: now.plus_secs(REFRESH_TOKEN_SECS),
            revoked: false,
        };
        (family, secret)
    }

    /// Whether its refresh tokens work at `now`.
    pub fn is_live(&self, now: Timestamp) -> bool {
        !self.revoked && now < self.expires_at
    }

    /// The family with the user's current `privileges`. If they have changed, it gets the new session
    /// `fresh`.
    pub fn with_privileges(self, privileges: Privileges, fresh: SessionId) -> Family {
        if self.privileges == privileges {
            return self;
        }
        Family { before: Some(self.ended()), session: fresh, privileges, ..self }
    }

    /// Its session as ended.
    pub fn ended(&self) -> EndedSession {
        let Privileges { client, branch, .. } = self.privileges.clone();
        EndedSession { session: self.session.clone(), client, branch }
    }

    /// Its session and the previous one as ended: both may have valid access tokens.
    pub fn all_ended(&self) -> Vec<EndedSession> {
        std::iter::once(self.ended()).chain(self.before.clone()).collect()
    }

    /// Whether it was revoked so recently that its access tokens may be valid at `now`.
    pub fn is_recently_revoked(&self, now: Timestamp) -> bool {
        self.revoked && now < self.expires_at
    }

    /// The outcome of presenting `secret` at `now`; `salt` must be fresh and random.
    pub fn present(&self, secret: &SecretBytes, salt: [u8; 32], now: Timestamp) -> Presented {
        if !self.is_own(secret) {
            // Without tags, an old token cannot be told from a forged one.
            return if self.tag_key.is_some() { Presented::Forged } else { Presented::Reused };
        }
        if !self.is_live(now) {
            return Presented::Over;
        }
        if is(&self.current, secret) {
            // A family without tags gets them now. Its item holds the salt; its tokens do not.
            let tag_key = self.tag_key.unwrap_or_else(|| derive(&salt, b"tillsync refresh tag key", &[]));
            let successor = tagged(&successor(secret, &salt), &tag_key);
            let next = Family {
                current: hash(&successor),
                previous: Some(self.current),
                salt,
                tag_key: Some(tag_key),
                before: None,
                rotated_at: now,
                // Refreshing cannot extend a sign-in forever.
                expires_at: now
                    .plus_secs(REFRESH_TOKEN_SECS)
                    .min(self.started_at.plus_secs(SESSION_SECS_MAX)),
                ..self.clone()
            };
            return Presented::Rotate { next: Box::new(next), secret: successor };
        }
        // Once the successor is used, it becomes `previous` and this token is unknown.
        let in_grace = now < self.rotated_at.plus_secs(REFRESH_GRACE_SECS);
        match &self.previous {
            Some(previous) if is(previous, secret) && in_grace => {
                let plain = successor(secret, &self.salt);
                let tagged = self.tag_key.map(|key| tagged(&plain, &key));
                // A function of an earlier release issues successors without tags.
                let secret = tagged.filter(|tagged| is(&self.current, tagged)).unwrap_or(plain);
                Presented::Repeat { secret }
            }
            _ => Presented::Reused,
        }
    }

    /// Whether `token` is one of the last two tokens of the family: its device holds it.
    pub fn is_held_by(&self, token: &Token<'_>) -> bool {
        let known = [Some(self.current), self.previous].into_iter().flatten();
        token.family == self.id && known.into_iter().any(|known| is(&known, &token.secret))
    }

    /// Whether `secret` belongs or belonged to a token of the family. Of a family without tags, only the last
    /// two tokens are known.
    pub fn is_own(&self, secret: &SecretBytes) -> bool {
        let known = is(&self.current, secret) || self.previous.is_some_and(|known| is(&known, secret));
        known || self.tag_key.is_some_and(|key| bool::from(tagged(secret, &key).ct_eq(secret)))
    }
}

impl std::fmt::Debug for Family {
    /// Without salt and key, from which successors and tags are made.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut shown = f.debug_struct("Family");
        shown.field("id", &self.id).field("user", &self.user).field("session", &self.session);
        shown.field("expires_at", &self.expires_at).field("revoked", &self.revoked).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Presented {
    /// Without secrets.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Presented::Rotate { .. } => "Rotate",
            Presented::Repeat { .. } => "Repeat",
            Presented::Reused => "Reused",
            Presented::Forged => "Forged",
            Presented::Over => "Over",
        })
    }
}

/// The families in excess of `most`; `families` come the latest first. A family whose device has signed in
/// again goes first, then the oldest, so that a till that signs in every morning ends no other session.
pub fn surplus(families: Vec<Family>, most: usize) -> Vec<Family> {
    let excess = families.len().saturating_sub(most);
    let mut devices = BTreeSet::new();
    let is_last =
        |family: &Family| family.device.as_ref().is_none_or(|device| devices.insert(device.clone()));
    let (last, again): (Vec<Family>, Vec<Family>) = families.into_iter().partition(is_last);
    again.into_iter().rev().chain(last.into_iter().rev()).take(excess).collect()
}

#[cfg(test)]
mod tests;
