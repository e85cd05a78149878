//! Refresh tokens, rotated: pure rules over one family, which is one sign-in on one device.
//!
//! A token is `<family>.<secret>`. Its successor's secret is derived from it and a random salt (HMAC-SHA256), so
//! a retry after a lost answer gets the very same successor, while neither the database (which has the salt and
//! hashes) nor an old token (without the salt) is enough to make it. The rules are those of OAuth 2.0's best
//! current practice (RFC 9700, section 4.14), with a grace for answers that get lost.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use shared::limits::{REFRESH_GRACE_SECS, REFRESH_TOKEN_SECS};
use shared::micros::Micros;
use shared::tenant::DeviceId;
use subtle::ConstantTimeEq;

/// What only the holder of a token knows.
pub type SecretBytes = [u8; 32];

/// A family, as it is stored: no secret is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Family {
    /// Its id.
    pub id: String,
    /// The user's id.
    pub user: String,
    /// The device that its access tokens are bound to.
    pub device: Option<DeviceId>,
    /// SHA-256 of the current token's secret.
    pub current: [u8; 32],
    /// SHA-256 of the secret before it.
    pub previous: Option<[u8; 32]>,
    /// What the current secret was derived with.
    pub salt: [u8; 32],
    /// When the current token replaced the previous one.
    pub rotated_at: Micros,
    /// When the current token expires.
    pub expires_at: Micros,
    /// Whether the family was revoked.
    pub revoked: bool,
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
    /// A new family whose first token has `secret`.
    pub fn new(
        id: String,
        user: String,
        device: Option<DeviceId>,
        secret: &SecretBytes,
        now: Micros,
    ) -> Family {
        let expires_at = now.plus_secs(REFRESH_TOKEN_SECS);
        let current = hash(secret);
        Family {
            id,
            user,
            device,
            current,
            previous: None,
            salt: [0; 32],
            rotated_at: now,
            expires_at,
            revoked: false,
        }
    }

    /// What presenting `secret` at `now` comes to; `salt` is fresh and random.
    pub fn present(&self, secret: &SecretBytes, salt: [u8; 32], now: Micros) -> Presented {
        let is = |known: &[u8; 32]| bool::from(hash(secret).ct_eq(known));
        if self.revoked || now >= self.expires_at {
            return Presented::Dead;
        }
        if is(&self.current) {
            let successor = successor(secret, &salt);
            let next = Family {
                current: hash(&successor),
                previous: Some(self.current),
                salt,
                rotated_at: now,
                expires_at: now.plus_secs(REFRESH_TOKEN_SECS),
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

/// A token's text.
pub fn write_token(family: &str, secret: &SecretBytes) -> String {
    format!("{family}.{}", URL_SAFE_NO_PAD.encode(secret))
}

/// A token's family and secret, if it is shaped like one of ours.
pub fn read_token(token: &str) -> Option<(&str, SecretBytes)> {
    let (family, secret) = token.split_once('.')?;
    let plain =
        family.len() == 22 && family.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    let secret = URL_SAFE_NO_PAD.decode(secret).ok()?.try_into().ok()?;
    plain.then_some((family, secret))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Micros = Micros(1_765_103_400_000_000);

    fn family() -> Family {
        Family::new("f".repeat(22), "u1".into(), None, &[1; 32], NOW)
    }

    fn rotated(family: &Family, secret: &SecretBytes, at: Micros) -> (Family, SecretBytes) {
        match family.present(secret, [9; 32], at) {
            Presented::Rotate { next, secret } => (*next, secret),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_retry_after_a_lost_answer_gets_the_same_successor_for_a_minute() {
        let (family, second) = rotated(&family(), &[1; 32], NOW);
        assert_eq!(family.present(&[1; 32], [8; 32], NOW.plus_secs(59)), Presented::Again { secret: second });
        assert_eq!(family.present(&[1; 32], [8; 32], NOW.plus_secs(60)), Presented::Reused);
    }

    #[test]
    fn once_the_successor_is_used_the_first_token_is_theft() {
        let (family, second) = rotated(&family(), &[1; 32], NOW);
        let (family, third) = rotated(&family, &second, NOW.plus_secs(1));
        assert_eq!(family.present(&[1; 32], [8; 32], NOW.plus_secs(2)), Presented::Reused);
        assert_eq!(family.present(&second, [8; 32], NOW.plus_secs(2)), Presented::Again { secret: third });
    }

    #[test]
    fn a_revoked_or_expired_family_is_dead() {
        let revoked = Family { revoked: true, ..family() };
        assert_eq!(revoked.present(&[1; 32], [9; 32], NOW), Presented::Dead);
        assert_eq!(family().present(&[1; 32], [9; 32], NOW.plus_secs(REFRESH_TOKEN_SECS)), Presented::Dead);
    }

    #[test]
    fn a_token_reads_back_and_nothing_else_does() {
        let token = write_token(&"f".repeat(22), &[7; 32]);
        assert_eq!(read_token(&token), Some(("f".repeat(22).as_str(), [7; 32])));
        for bad in ["", ".", "a.b", &token[1..], &token[..token.len() - 1], &token.replacen('f', "#", 1)] {
            assert_eq!(read_token(bad), None, "{bad}");
        }
    }
}
