//! Encryption keys: the current one encrypts; the current one and the former ones decrypt.

use std::fmt;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

/// Bytes of a key.
pub const KEY_BYTES: usize = 32;
/// Maximum bytes of a key's id.
pub const KEY_ID_BYTES_MAX: usize = 16;
/// Maximum number of keys in a keyring: the current one and the former ones.
pub const KEYS_MAX: usize = 8;

/// Keys by their ids. `Debug` shows only the ids.
#[derive(Clone)]
pub struct Keyring {
    current: EncryptionKey,
    former: Vec<EncryptionKey>,
}

/// One key.
#[derive(Clone)]
pub struct EncryptionKey {
    /// The id, which stands in the open beside what the key encrypted.
    pub id: String,
    /// The key.
    pub bytes: [u8; KEY_BYTES],
}

impl fmt::Debug for EncryptionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("EncryptionKey").field(&self.id).finish()
    }
}

/// An error in the text of a keyring. Does not quote the text, which is secret.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum BadKeyring {
    /// An entry is not `id:key`.
    #[error("failed to read key {0}: it must be id:key, with 1 to {KEY_ID_BYTES_MAX} of a-z 0-9 as the id")]
    Entry(usize),
    /// A key is not 32 bytes in base64.
    #[error("failed to read key {0}: it must be {KEY_BYTES} bytes in base64")]
    Key(usize),
    /// An id occurs twice.
    #[error("failed to read key {0}: its id is another key's")]
    Twice(usize),
    /// There are more than [`KEYS_MAX`].
    #[error("failed to read the keys: there may be {KEYS_MAX} at most")]
    TooMany,
}

impl Keyring {
    /// Reads `id:base64,id2:base64`. The first key encrypts, every key decrypts. To rotate, put a new key
    /// first, and remove the old one when all values that it encrypted have expired.
    pub fn parse(text: &str) -> Result<Keyring, BadKeyring> {
        let mut entries =
            text.split(',').enumerate().map(|(at, entry)| EncryptionKey::parse(at + 1, entry.trim()));
        let current = entries.next().unwrap_or(Err(BadKeyring::Entry(1)))?;
        let mut ring = Keyring { current, former: Vec::new() };
        for (at, entry) in entries.enumerate() {
            let key = entry?;
            if ring.find(&key.id).is_some() {
                return Err(BadKeyring::Twice(at + 2));
            }
            ring.former.push(key);
        }
        if ring.former.len() < KEYS_MAX { Ok(ring) } else { Err(BadKeyring::TooMany) }
    }

    /// The key that encrypts.
    pub fn current(&self) -> &EncryptionKey {
        &self.current
    }

    /// The key with this id; it may decrypt.
    pub fn find(&self, id: &str) -> Option<&EncryptionKey> {
        std::iter::once(&self.current).chain(&self.former).find(|key| key.id == id)
    }
}

impl EncryptionKey {
    fn parse(at: usize, entry: &str) -> Result<EncryptionKey, BadKeyring> {
        let (id, key) = entry.split_once(':').ok_or(BadKeyring::Entry(at))?;
        let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        if !(1..=KEY_ID_BYTES_MAX).contains(&id.len()) || !id.bytes().all(allowed) {
            return Err(BadKeyring::Entry(at));
        }
        let bytes = BASE64_STANDARD.decode(key).ok().and_then(|bytes| bytes.try_into().ok());
        Ok(EncryptionKey { id: id.to_owned(), bytes: bytes.ok_or(BadKeyring::Key(at))? })
    }
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ids = std::iter::once(&self.current).chain(&self.former).map(|key| &key.id);
        f.debug_list().entries(ids).finish()
    }
}
