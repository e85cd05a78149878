//! Sealing: what a cursor remembers for the server alone, encrypted so that a reader learns nothing from it.
//!
//! AES-SIV (RFC 5297) is deterministic: the same progress gives the same text, so that pages can be shared.
//! The scope, a room or a client, is authenticated with it: another tenant's cursor does not open.

use std::fmt;

use aes_siv::KeyInit;
use aes_siv::siv::Aes128Siv;
use config::{BadKeyring, EncryptionKey, Keyring};

/// The keys of cursors. `Debug` shows only their ids.
#[derive(Clone)]
pub struct CursorKeys(Keyring);

/// Bytes that a [`CursorKeys`] has sealed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealed {
    /// The id of the key.
    pub key: String,
    /// The synthetic IV of 16 bytes and the encrypted bytes.
    pub bytes: Vec<u8>,
}

/// Why sealed bytes do not open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotOpened {
    /// The key was removed from the configuration.
    UnknownKey,
    /// They were changed, or belong to another tenant.
    Forged,
}

impl CursorKeys {
    /// Reads `id:base64,id2:base64`, as [`Keyring::parse`] does. The first key seals, every key opens.
    pub fn parse(text: &str) -> Result<CursorKeys, BadKeyring> {
        Keyring::parse(text).map(CursorKeys)
    }

    /// Seals `plain`, bound to `scope` and `kind`.
    pub fn seal(&self, kind: &str, scope: &str, plain: &[u8]) -> Sealed {
        let current = self.0.current();
        // Fails only with over 126 headers; the bytes are then empty and do not open.
        let bytes = cipher(current).encrypt([kind, scope], plain).unwrap_or_default();
        Sealed { key: current.id.clone(), bytes }
    }

    /// The inverse of [`CursorKeys::seal`].
    pub fn open(&self, kind: &str, scope: &str, sealed: &Sealed) -> Result<Vec<u8>, NotOpened> {
        let known = self.0.find(&sealed.key).ok_or(NotOpened::UnknownKey)?;
        cipher(known).decrypt([kind, scope], &sealed.bytes).map_err(|_| NotOpened::Forged)
    }
}

/// AES-SIV takes two keys of 128 bits.
fn cipher(key: &EncryptionKey) -> Aes128Siv {
    Aes128Siv::new(&key.bytes.into())
}

impl fmt::Debug for CursorKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::{cursor_key, cursor_keys};
    use proptest::prelude::*;

    #[test]
    fn the_vector_of_the_rfc_holds() {
        // RFC 5297, appendix A.1: key, one header, plaintext and output.
        let key = hex::decode("fffefdfcfbfaf9f8f7f6f5f4f3f2f1f0f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff").unwrap();
        let key = EncryptionKey { id: "k".into(), bytes: key.try_into().unwrap() };
        let header = hex::decode("101112131415161718191a1b1c1d1e1f2021222324252627").unwrap();
        let plain = hex::decode("112233445566778899aabbccddee").unwrap();
        let sealed = cipher(&key).encrypt([header], &plain).unwrap();
        assert_eq!(hex::encode(sealed), "85632d07c6e8f37f950acd320a2ecc9340c02b9690c4dc04daef7f6afe5c");
    }

    #[test]
    fn the_first_key_seals_and_every_key_opens() {
        let old = cursor_keys(&["a"]);
        let both = cursor_keys(&["b", "a"]);
        let new = cursor_keys(&["b"]);
        let sealed = old.seal("w1", "1:2", b"products#p1");
        assert_eq!(both.open("w1", "1:2", &sealed).as_deref(), Ok(b"products#p1".as_slice()));
        assert_eq!(new.open("w1", "1:2", &sealed), Err(NotOpened::UnknownKey));
        assert_eq!(both.seal("w1", "1:2", b"x").key, "b");
        assert_eq!(format!("{both:?}"), r#"["b", "a"]"#);
        let other = CursorKeys::parse(&cursor_key("a", 99)).unwrap();
        assert_eq!(other.open("w1", "1:2", &sealed), Err(NotOpened::Forged), "the same id, another key");
    }

    proptest! {
        #[test]
        fn sealing_is_deterministic_and_bound_to_kind_and_tenant(plain: Vec<u8>) {
            let keys = cursor_keys(&["a"]);
            let sealed = keys.seal("w1", "1:2", &plain);
            prop_assert_eq!(&sealed, &keys.seal("w1", "1:2", &plain));
            for (kind, scope) in [("w1", "1:3"), ("w1", "2:2"), ("h1", "1:2"), ("w11", ":2")] {
                prop_assert_eq!(keys.open(kind, scope, &sealed), Err(NotOpened::Forged));
            }
            prop_assert_eq!(keys.open("w1", "1:2", &sealed), Ok(plain));
        }

        #[test]
        fn a_changed_or_cut_seal_does_not_open(plain: Vec<u8>, at: prop::sample::Index, bit in 0..8_u8, cut: bool) {
            let keys = cursor_keys(&["a"]);
            let mut sealed = keys.seal("w1", "1:2", &plain);
            let at = at.index(sealed.bytes.len());
            if cut { sealed.bytes.truncate(at) } else { sealed.bytes[at] ^= 1 << bit }
            prop_assert_eq!(keys.open("w1", "1:2", &sealed), Err(NotOpened::Forged));
        }
    }
}
