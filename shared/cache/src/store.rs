//! Writing an entry.

use std::time::Duration;

use super::Cache;
use super::entry::Entry;
use super::request::{Loaded, Request};
use super::tags::Seen;
use crate::limits::CACHE_ENTRY_BYTES_MAX;
use protocol::timestamp::Timestamp;
use redis_client::command::{Keeping, Life, Set};
use redis_client::encryption::NONCE_BYTES;
use redis_client::keys::Key;
use redis_client::transport::Transport;
use redis_client::value::Value;

/// A value that is ready to be stored, and for how long.
pub(super) struct Ready {
    pub(super) value: Value,
    pub(super) keeping: Keeping,
}

impl Ready {
    /// The command that stores it.
    pub(super) fn set(self, key: &Key) -> Set {
        Set::new(key, self.value, self.keeping)
    }
}

impl<T: Transport> Cache<T> {
    /// What to store for `request` of what was loaded from `made_at` on, under the stamps `seen`. Nothing if it is too
    /// large, or the load took longer than it may be kept.
    pub(super) fn ready(
        &self,
        request: &Request,
        loaded: &Loaded,
        seen: Option<Seen>,
        made_at: Timestamp,
    ) -> Option<Ready> {
        if loaded.len() > CACHE_ENTRY_BYTES_MAX {
            return None;
        }
        let now = self.now();
        let took_micros = now.0.saturating_sub(made_at.0);
        let life = request.kind.lifetime(loaded.payload.is_none(), self.draw());
        let entry = Entry::new(loaded.payload.clone(), loaded.as_of, seen, (made_at, took_micros), life);
        let left = entry.gone_at.0.checked_sub(now.0).filter(|left| *left > 0)?;
        let keeping = Keeping::For(Life::of(Duration::from_micros(left)));
        Some(Ready { value: self.written(request, &entry), keeping })
    }

    /// The entry as the kind of `request` has it stored.
    fn written(&self, request: &Request, entry: &Entry) -> Value {
        let text = entry.write();
        if !request.kind.rules().sealed {
            return Value::text(text);
        }
        let mut nonce = [0; NONCE_BYTES];
        (self.random)(&mut nonce);
        self.keyring.seal(&request.key, nonce, text.as_bytes())
    }
}
