//! Encoding an entry for storage, with its TTL and encryption, and decoding it.

use std::time::Duration;

use super::entry::{Damaged, Entry};
use super::request::{Loaded, Request};
use super::tags::TagDigest;
use super::{Cache, Clock};
use crate::limits::CACHE_ENTRY_BYTES_MAX;
use protocol::timestamp::Timestamp;
use redis_client::command::{Command, Expiry, Ttl, set};
use redis_client::encryption::NONCE_BYTES;
use redis_client::keys::Key;
use redis_client::transport::Transport;
use redis_client::value::Value;

/// An entry as it will be stored.
pub(super) struct EncodedEntry {
    pub(super) value: Value,
    pub(super) expiry: Expiry,
}

impl EncodedEntry {
    /// The command that stores the entry.
    pub(super) fn set(&self, key: &Key) -> Command<bool> {
        set(key, &self.value, self.expiry)
    }
}

impl<T: Transport, C: Clock> Cache<T, C> {
    /// Encodes the content whose load began at `loaded_at`, when the tags had `digest`. `None` if it is too
    /// large, or if the load took longer than the entry's lifetime.
    pub(super) fn encode(
        &self,
        request: &Request,
        loaded: &Loaded,
        digest: Option<TagDigest>,
        loaded_at: Timestamp,
    ) -> Option<EncodedEntry> {
        if loaded.len() > CACHE_ENTRY_BYTES_MAX {
            return None;
        }
        let now = self.now();
        let took_micros = now.0.saturating_sub(loaded_at.0);
        let life = request.kind.lifetime(loaded.payload.is_none(), self.draw());
        let entry = Entry::new(loaded, digest, (loaded_at, took_micros), life);
        let left = entry.expires_at.0.checked_sub(now.0).filter(|left| *left > 0)?;
        let expiry = Expiry::In(Ttl::of(Duration::from_micros(left)));
        let text = entry.write();
        let value = if request.kind.rules().encrypted {
            let mut nonce = [0; NONCE_BYTES];
            (self.random)(&mut nonce);
            self.keyring.encrypt(&request.key, nonce, text.as_bytes())
        } else {
            Value::text(text)
        };
        Some(EncodedEntry { value, expiry })
    }

    /// Decodes what is stored for `request`.
    pub(super) fn decode(&self, request: &Request, stored: &[u8]) -> Result<Entry, Damaged> {
        if request.kind.rules().encrypted {
            Entry::read(&self.keyring.decrypt(&request.key, stored).ok_or(Damaged)?)
        } else {
            Entry::read(stored)
        }
    }
}
