//! Encryption of values with XChaCha20-Poly1305 (RFC 8439; nonces of 192 bits as in draft-irtf-cfrg-xchacha).
//!
//! Protects against reading and changing values in the database. An encrypted value is text: `s1.<key
//! id>.<base64url of nonce and ciphertext>`. The name of its Redis key is authenticated with it: copied under
//! another key, it does not decrypt. A nonce is 24 random bytes, which practically never repeat.

use std::fmt;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{KeyInit, XChaCha20Poly1305, XNonce};
pub use config::BadKeyring;

use super::keys::Key;
use super::value::Value;

/// Version of the format, at the start of an encrypted value.
const VERSION: &str = "s1";
/// Bytes of a nonce.
pub const NONCE_BYTES: usize = 24;

/// The keys of encrypted values. `Debug` shows only their ids.
#[derive(Clone)]
pub struct Keyring(config::Keyring);

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Keyring {
    /// Reads `id:base64,id2:base64`, as [`config::Keyring::parse`] does.
    pub fn parse(text: &str) -> Result<Keyring, BadKeyring> {
        config::Keyring::parse(text).map(Keyring)
    }

    /// Encrypts `plain` for storage at `key`. `nonce` must be fresh random bytes.
    pub fn encrypt(&self, key: &Key, nonce: [u8; NONCE_BYTES], plain: &[u8]) -> Value {
        let current = self.0.current();
        let aad = associated_data(&current.id, key);
        let cipher = XChaCha20Poly1305::new(&current.bytes.into());
        // Fails only beyond 256 GiB; the stored text is then empty and does not decrypt.
        let encrypted = cipher.encrypt(&XNonce::from(nonce), Payload { msg: plain, aad: aad.as_bytes() });
        let all = [nonce.as_slice(), &encrypted.unwrap_or_default()].concat();
        Value::text(format!("{VERSION}.{}.{}", current.id, BASE64_URL_SAFE_NO_PAD.encode(all)))
    }

    /// Decrypts what was stored at `key`. `None` if it was encrypted with an unknown key or for another Redis
    /// key, or was cut or changed.
    pub fn decrypt(&self, key: &Key, stored: &[u8]) -> Option<Vec<u8>> {
        let text = std::str::from_utf8(stored).ok()?;
        let (id, encoded) = text.strip_prefix(VERSION)?.strip_prefix('.')?.split_once('.')?;
        let known = self.0.find(id)?;
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(encoded).ok()?;
        let (nonce, encrypted) = bytes.split_first_chunk::<NONCE_BYTES>()?;
        let cipher = XChaCha20Poly1305::new(&known.bytes.into());
        let aad = associated_data(id, key);
        cipher.decrypt(&XNonce::from(*nonce), Payload { msg: encrypted, aad: aad.as_bytes() }).ok()
    }
}

/// The associated data of an encrypted value. Neither version nor id can hold a space.
fn associated_data(id: &str, key: &Key) -> String {
    format!("{VERSION} {id} {key}")
}

#[cfg(test)]
mod tests;
