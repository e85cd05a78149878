//! Refresh tokens and their secrets: deriving a successor, and the tag that only the family can make.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// The secret part of a token.
pub type SecretBytes = [u8; 32];

/// Bytes of a secret that cannot be guessed; the others are the tag.
const SECRET_RANDOM_BYTES: usize = 16;

pub(super) fn hash(secret: &SecretBytes) -> [u8; 32] {
    Sha256::digest(secret).into()
}

/// Whether `secret` has the hash `known`, in constant time.
pub(super) fn is(known: &[u8; 32], secret: &SecretBytes) -> bool {
    bool::from(hash(secret).ct_eq(known))
}

/// The first half of `seed`, then the tag over it. Applied to a secret with a valid tag, it changes nothing.
pub(super) fn tagged(seed: &[u8; 32], tag_key: &[u8; 32]) -> SecretBytes {
    let (random, _) = seed.split_at(SECRET_RANDOM_BYTES);
    let tag = derive(tag_key, b"tillsync refresh tag", random);
    let mut secret = [0; 32];
    secret.iter_mut().zip(random.iter().chain(&tag)).for_each(|(to, from)| *to = *from);
    secret
}

pub(super) fn successor(secret: &SecretBytes, salt: &[u8; 32]) -> [u8; 32] {
    derive(secret, b"tillsync refresh successor", salt)
}

pub(super) fn derive(secret: &[u8; 32], purpose: &[u8], message: &[u8]) -> [u8; 32] {
    // HMAC pads a short key with zeros (RFC 2104). Padding here makes the length valid by type.
    let mut key = [0; 64];
    key.iter_mut().zip(secret).for_each(|(to, from)| *to = *from);
    let mut mac = Hmac::<Sha256>::new(&key.into());
    mac.update(purpose);
    mac.update(message);
    mac.finalize().into_bytes().into()
}

/// Characters of a family's id: 16 bytes as URL-safe text.
pub(super) const FAMILY_ID_CHARS: usize = 22;
/// Maximum characters of a user's id; ours have 16.
const USER_ID_CHARS_MAX: usize = 64;

/// The parts of a refresh token.
#[derive(PartialEq, Eq)]
pub struct Token<'a> {
    /// The user's id.
    pub user: &'a str,
    /// The family's id.
    pub family: &'a str,
    /// The secret.
    pub secret: SecretBytes,
}

impl<'a> Token<'a> {
    /// The token in `text`, if it has the form of our tokens.
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

impl std::fmt::Debug for Token<'_> {
    /// Without the secret.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Token { user, family, secret: _ } = self;
        f.debug_struct("Token").field("user", user).field("family", family).finish_non_exhaustive()
    }
}

impl std::fmt::Display for Token<'_> {
    /// The token's text.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}.{}", self.user, self.family, URL_SAFE_NO_PAD.encode(self.secret))
    }
}
