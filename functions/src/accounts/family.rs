//! Refresh tokens, rotated: pure rules over one family, which is one sign-in on one device.
//!
//! A token is `<user>.<family>.<secret>`: it says where it is kept. Its successor's secret is derived from it and a random salt (HMAC-SHA256), so
//! a retry after a lost answer gets the very same successor, while neither the database (which has the salt and
//! hashes) nor an old token (without the salt) is enough to make it. The rules are those of OAuth 2.0's best
//! current practice (RFC 9700, section 4.14), with a grace for answers that get lost.

use std::collections::BTreeSet;

use auth::limits::{REFRESH_GRACE_SECS, REFRESH_TOKEN_SECS, SESSION_SECS_MAX};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use protocol::ids::{BranchId, ClientId, DeviceId, SessionId};
use protocol::role::Role;
use protocol::timestamp::Timestamp;
use protocol::wire::auth::User;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::origin::Origin;

/// What only the holder of a token knows.
pub type SecretBytes = [u8; 32];

/// A family, as it is stored: no secret is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Family {
    /// Its id.
    pub id: String,
    /// The user's id.
    pub user: String,
    /// What its access tokens are issued in; another one whenever the user's privileges have changed.
    pub session: SessionId,
    /// The session before that: its access tokens say more, or something else, than the user may do now.
    pub before: Option<Ended>,
    /// What the user might do when the session began.
    pub privileges: Privileges,
    /// The device that its access tokens are bound to.
    pub device: Option<DeviceId>,
    /// Where the user was last seen.
    pub origin: Origin,
    /// When the user signed in.
    pub started_at: Timestamp,
    /// SHA-256 of the current token's secret.
    pub current: [u8; 32],
    /// SHA-256 of the secret before it.
    pub previous: Option<[u8; 32]>,
    /// What the current secret was derived with.
    pub salt: [u8; 32],
    /// When the current token replaced the previous one.
    pub rotated_at: Timestamp,
    /// When the current token expires; of a revoked family, when its last access token has.
    pub expires_at: Timestamp,
    /// Whether the family was revoked.
    pub revoked: bool,
}

/// What a user may do, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Privileges {
    /// The role.
    pub role: Role,
    /// The client.
    pub client: ClientId,
    /// The branch; none for a super admin.
    pub branch: Option<BranchId>,
}

impl Privileges {
    /// Those of `user` as of now.
    pub fn of(user: &User) -> Privileges {
        let User { role, client_id, branch_id, .. } = user;
        Privileges { role: *role, client: client_id.clone(), branch: branch_id.clone() }
    }

    /// The user, as one who may do this.
    pub fn of_user(self, user: User) -> User {
        User { role: self.role, client_id: self.client, branch_id: self.branch, ..user }
    }
}

/// A session that has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// Which.
    pub session: SessionId,
    /// The client it was of.
    pub client: ClientId,
    /// The branch in which it may have sockets; none for a super admin, who has none.
    pub branch: Option<BranchId>,
}

/// A sign-in that begins.
pub struct Begin {
    /// The family's id.
    pub id: String,
    /// Its first session.
    pub session: SessionId,
    /// The device to bind it to.
    pub device: Option<DeviceId>,
    /// Where the user is.
    pub origin: Origin,
}

/// What presenting a token comes to.
#[derive(Debug, PartialEq, Eq)]
pub enum Presented {
    /// It is the current one: the family moves on to `next`, whose token has `secret`.
    Rotate {
        /// The family afterwards.
        next: Box<Family>,
        /// The new token's secret.
        secret: SecretBytes,
    },
    /// It was replaced a moment ago and its successor was not used: the same successor again.
    Again {
        /// The current token's secret.
        secret: SecretBytes,
    },
    /// It was replaced before: somebody has a copy. The family must be revoked.
    Reused,
    /// It has expired, or its family was revoked.
    Dead,
}

impl Family {
    /// A new family of `user`, whose first token has `secret`.
    pub fn new(user: &User, begin: Begin, secret: &SecretBytes, now: Timestamp) -> Family {
        let Begin { id, session, device, origin } = begin;
        Family {
            id,
            user: user.id.clone(),
            session,
            before: None,
            privileges: Privileges::of(user),
            device,
            origin,
            started_at: now,
            current: hash(secret),
            previous: None,
            salt: [0; 32],
            rotated_at: now,
            expires_at: now.plus_secs(REFRESH_TOKEN_SECS),
            revoked: false,
        }
    }

    /// Whether its tokens still work at `now`.
    pub fn is_live(&self, now: Timestamp) -> bool {
        !self.revoked && now < self.expires_at
    }

    /// The family as it goes on for a user who may do `privileges` now: in a session of its own (`fresh`), if that
    /// is not what the session began with.
    pub fn with_privileges(self, privileges: Privileges, fresh: SessionId) -> Family {
        if self.privileges == privileges {
            return self;
        }
        Family { before: Some(self.ended()), session: fresh, privileges, ..self }
    }

    /// Its session, as one that has ended.
    pub fn ended(&self) -> Ended {
        let Privileges { client, branch, .. } = self.privileges.clone();
        Ended { session: self.session.clone(), client, branch }
    }

    /// Its session and the one before it, for when it is over: both may have access tokens that live.
    pub fn all_ended(&self) -> Vec<Ended> {
        std::iter::once(self.ended()).chain(self.before.clone()).collect()
    }

    /// Whether it was revoked so short a time before `now` that access tokens of it may live.
    pub fn is_fresh_dead(&self, now: Timestamp) -> bool {
        self.revoked && now < self.expires_at
    }

    /// What presenting `secret` at `now` comes to; `salt` is fresh and random.
    pub fn present(&self, secret: &SecretBytes, salt: [u8; 32], now: Timestamp) -> Presented {
        let is = |known: &[u8; 32]| bool::from(hash(secret).ct_eq(known));
        if !self.is_live(now) {
            return Presented::Dead;
        }
        if is(&self.current) {
            let successor = successor(secret, &salt);
            let next = Family {
                current: hash(&successor),
                previous: Some(self.current),
                salt,
                before: None,
                rotated_at: now,
                // However often it is refreshed, a sign-in ends some day.
                expires_at: now
                    .plus_secs(REFRESH_TOKEN_SECS)
                    .min(self.started_at.plus_secs(SESSION_SECS_MAX)),
                ..self.clone()
            };
            return Presented::Rotate { next: Box::new(next), secret: successor };
        }
        // Once the successor is used it becomes `previous`, and this token is no longer known at all.
        let in_grace = now < self.rotated_at.plus_secs(REFRESH_GRACE_SECS);
        match &self.previous {
            Some(previous) if is(previous) && in_grace => {
                Presented::Again { secret: successor(secret, &self.salt) }
            }
            _ => Presented::Reused,
        }
    }
}

/// Those of `families`, the latest first, that are more than `most`: first the ones whose device has signed in again since,
/// so that a till which signs in every morning pushes nobody else out, and then the oldest.
pub fn surplus(families: Vec<Family>, most: usize) -> Vec<Family> {
    let excess = families.len().saturating_sub(most);
    let mut devices = BTreeSet::new();
    let is_last =
        |family: &Family| family.device.as_ref().is_none_or(|device| devices.insert(device.clone()));
    let (last, again): (Vec<Family>, Vec<Family>) = families.into_iter().partition(is_last);
    again.into_iter().rev().chain(last.into_iter().rev()).take(excess).collect()
}

fn hash(secret: &SecretBytes) -> [u8; 32] {
    Sha256::digest(secret).into()
}

fn successor(secret: &SecretBytes, salt: &[u8; 32]) -> SecretBytes {
    // HMAC fills a short key up with zeros (RFC 2104); doing it here leaves no length that could be wrong.
    let mut key = [0; 64];
    key.iter_mut().zip(secret).for_each(|(to, from)| *to = *from);
    let mut mac = Hmac::<Sha256>::new(&key.into());
    mac.update(b"tillsync refresh successor");
    mac.update(salt);
    mac.finalize().into_bytes().into()
}

/// Characters of a family's id: 16 bytes as URL-safe text.
const FAMILY_ID_CHARS: usize = 22;
/// Characters of a user's id, at most; ours have 16.
const USER_ID_CHARS_MAX: usize = 64;

/// A refresh token, taken apart.
#[derive(Debug, PartialEq, Eq)]
pub struct Token<'a> {
    /// The user whose it is.
    pub user: &'a str,
    /// The family it belongs to.
    pub family: &'a str,
    /// What proves it.
    pub secret: SecretBytes,
}

impl<'a> Token<'a> {
    /// The token in `text`, if it is shaped like one of ours.
    pub fn read(text: &'a str) -> Option<Token<'a>> {
        let mut parts = text.split('.');
        let (user, family) = (parts.next()?, parts.next()?);
        let secret = URL_SAFE_NO_PAD.decode(parts.next()?).ok()?.try_into().ok()?;
        let plain = |id: &str| id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
        let fits = plain(user) && (1..=USER_ID_CHARS_MAX).contains(&user.len());
        let fits = fits && plain(family) && family.len() == FAMILY_ID_CHARS && parts.next().is_none();
        fits.then_some(Token { user, family, secret })
    }
}

impl std::fmt::Display for Token<'_> {
    /// The token's text.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}.{}", self.user, self.family, URL_SAFE_NO_PAD.encode(self.secret))
    }
}

#[cfg(test)]
mod tests;
