//! What the process remembers by itself, for when Redis is away: a few entries for a few seconds.
//!
//! Nobody can invalidate what is here but this process, so an answer from it may be late by
//! [`CACHE_MEMORY_MILLIS`], counted from before its load. Entries are found by their
//! full keys, which begin with the tenant.

use std::collections::BTreeMap;

use super::request::{Loaded, Request};
use crate::limits::{CACHE_MEMORY_BYTES_MAX, CACHE_MEMORY_ENTRIES_MAX, CACHE_MEMORY_MILLIS};
use protocol::timestamp::Timestamp;
use redis_client::keys::Key;

/// The entries. The one that was used longest ago leaves first.
#[derive(Default)]
pub(super) struct Memory {
    kept: BTreeMap<Key, Kept>,
    /// The keys by when they were last used.
    used: BTreeMap<u64, Key>,
    uses: u64,
    bytes: usize,
    forgotten: u64,
}

struct Kept {
    loaded: Loaded,
    made_at: Timestamp,
    tags: Vec<Key>,
    used: u64,
}

impl Memory {
    /// How often something was invalidated: a load that began before the last time is not kept.
    pub(super) fn forgotten(&self) -> u64 {
        self.forgotten
    }

    /// What is remembered for `request` at `now`.
    pub(super) fn get(&mut self, request: &Request, now: Timestamp) -> Option<(Loaded, Timestamp)> {
        let kept = self.kept.get(&request.key)?;
        if kept.made_at.0.saturating_add(CACHE_MEMORY_MILLIS * 1000) <= now.0 {
            self.drop(&request.key);
            return None;
        }
        if kept.loaded.as_of < request.min {
            return None;
        }
        let answer = (kept.loaded.clone(), kept.made_at);
        self.touch(&request.key);
        Some(answer)
    }

    /// Keeps what was loaded for `request` from `made_at` on, unless something was invalidated since `forgotten` was
    /// read.
    pub(super) fn put(&mut self, request: &Request, loaded: &Loaded, made_at: Timestamp, forgotten: u64) {
        if forgotten != self.forgotten || loaded.len() > CACHE_MEMORY_BYTES_MAX {
            return;
        }
        self.drop(&request.key);
        self.bytes += loaded.len();
        let (loaded, tags) = (loaded.clone(), request.tags.clone());
        self.uses += 1;
        self.used.insert(self.uses, request.key.clone());
        self.kept.insert(request.key.clone(), Kept { loaded, made_at, tags, used: self.uses });
        while self.kept.len() > CACHE_MEMORY_ENTRIES_MAX || self.bytes > CACHE_MEMORY_BYTES_MAX {
            let Some((_, oldest)) = self.used.pop_first() else { break };
            self.drop(&oldest);
        }
    }

    /// Forgets what was made from `tags`.
    pub(super) fn forget(&mut self, tags: &[Key]) {
        self.forgotten += 1;
        let has = |kept: &Kept| kept.tags.iter().any(|tag| tags.contains(tag));
        let keys: Vec<Key> =
            self.kept.iter().filter(|(_, kept)| has(kept)).map(|(key, _)| key.clone()).collect();
        keys.iter().for_each(|key| self.drop(key));
    }

    /// Forgets everything.
    pub(super) fn clear(&mut self) {
        *self = Memory { forgotten: self.forgotten + 1, ..Memory::default() };
    }

    fn touch(&mut self, key: &Key) {
        self.uses += 1;
        if let Some(kept) = self.kept.get_mut(key) {
            self.used.remove(&kept.used);
            kept.used = self.uses;
            self.used.insert(self.uses, key.clone());
        }
    }

    fn drop(&mut self, key: &Key) {
        if let Some(kept) = self.kept.remove(key) {
            self.used.remove(&kept.used);
            self.bytes -= kept.loaded.len();
        }
    }
}

#[cfg(test)]
mod tests;
