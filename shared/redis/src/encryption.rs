//! Values for no other eyes: sealed with XChaCha20-Poly1305 (RFC 8439; nonces of 192 bits as in
//! draft-irtf-cfrg-xchacha), so that who reads the database, or changes it, gets nothing by it.
//!
//! A sealed value is text: `s1.<key id>.<base64url of nonce and ciphertext>`. The name of its Redis key is bound to it:
//! copied under another key it does not open. A nonce is 24 random bytes, which at this length never meet again.

mod keyring;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{KeyInit, XChaCha20Poly1305, XNonce};

use super::keys::Key;
use super::value::Value;
pub use keyring::{BadKeyring, Keyring};

/// The version of the format, which sealed values begin with.
const VERSION: &str = "s1";
/// Bytes of a nonce.
pub const NONCE_BYTES: usize = 24;

impl Keyring {
    /// Seals `plain`, which is to be stored at `key`. `nonce` must be fresh random bytes, never used before.
    pub fn seal(&self, key: &Key, nonce: [u8; NONCE_BYTES], plain: &[u8]) -> Value {
        let sealing = self.current();
        let bound = bound(&sealing.id, key);
        let cipher = XChaCha20Poly1305::new(&sealing.bytes.into());
        // Fails only beyond 256 GiB; nothing is then what is stored, and opens for nobody.
        let sealed = cipher.encrypt(&XNonce::from(nonce), Payload { msg: plain, aad: bound.as_bytes() });
        let all = [nonce.as_slice(), &sealed.unwrap_or_default()].concat();
        Value::text(format!("{VERSION}.{}.{}", sealing.id, BASE64_URL_SAFE_NO_PAD.encode(all)))
    }

    /// Opens what was stored at `key`. `None` if it was sealed with a key we do not have, for another place, or was cut
    /// or changed: a miss, which the caller counts.
    pub fn open(&self, key: &Key, stored: &[u8]) -> Option<Vec<u8>> {
        let text = std::str::from_utf8(stored).ok()?;
        let (id, sealed) = text.strip_prefix(VERSION)?.strip_prefix('.')?.split_once('.')?;
        let sealing = self.find(id)?;
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(sealed).ok()?;
        let (nonce, sealed) = bytes.split_first_chunk::<NONCE_BYTES>()?;
        let cipher = XChaCha20Poly1305::new(&sealing.bytes.into());
        let bound = bound(id, key);
        cipher.decrypt(&XNonce::from(*nonce), Payload { msg: sealed, aad: bound.as_bytes() }).ok()
    }
}

/// What a sealed value is bound to beside its content. Neither version nor id can hold a space.
fn bound(id: &str, key: &Key) -> String {
    format!("{VERSION} {id} {key}")
}

#[cfg(test)]
mod tests;
