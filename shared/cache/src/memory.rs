//! The process's own memory for when Redis is down: some entries for a few seconds.
//!
//! Only this process can invalidate these entries, so an answer may be out of date by
//! [`CACHE_MEMORY_MILLIS`], counted from the start of its load. Entries are found by their full keys, which
//! hold the tenant.

use hashlink::LruCache;

use super::request::{Found, Request, Source};
use crate::limits::{CACHE_MEMORY_BYTES_MAX, CACHE_MEMORY_ENTRIES_MAX, CACHE_MEMORY_MILLIS};
use protocol::timestamp::Timestamp;
use redis_client::keys::Key;

/// The entries; the least recently used are evicted first.
pub(super) struct Memory {
    entries: LruCache<Key, Kept>,
    bytes: usize,
    invalidations: u64,
}

struct Kept {
    found: Found,
    tags: Vec<Key>,
}

impl Default for Memory {
    fn default() -> Memory {
        Memory { entries: LruCache::new_unbounded(), bytes: 0, invalidations: 0 }
    }
}

impl Memory {
    /// Number of invalidations so far. A load that began before the last one is not kept.
    pub(super) fn invalidations(&self) -> u64 {
        self.invalidations
    }

    /// The answer to `request` at `now`.
    pub(super) fn get(&mut self, request: &Request, now: Timestamp) -> Option<Found> {
        let Kept { found, .. } = self.entries.get(&request.key)?;
        if found.loaded_at.0.saturating_add(CACHE_MEMORY_MILLIS * 1000) <= now.0 {
            self.remove(&request.key);
            return None;
        }
        Some(found.clone()).filter(|found| found.as_of() >= request.min)
    }

    /// Keeps an answer, unless something was invalidated since `invalidations` was read.
    pub(super) fn put(&mut self, request: &Request, found: &Found, invalidations: u64) {
        if invalidations != self.invalidations || found.loaded.len() > CACHE_MEMORY_BYTES_MAX {
            return;
        }
        self.remove(&request.key);
        self.bytes += found.loaded.len();
        let found = Found { source: Source::Memory, ..found.clone() };
        self.entries.insert(request.key.clone(), Kept { found, tags: request.tags.clone() });
        while self.entries.len() > CACHE_MEMORY_ENTRIES_MAX || self.bytes > CACHE_MEMORY_BYTES_MAX {
            let Some((_, evicted)) = self.entries.remove_lru() else { break };
            self.bytes -= evicted.found.loaded.len();
        }
    }

    /// Removes the entries that depend on one of `tags`.
    pub(super) fn invalidate(&mut self, tags: &[Key]) {
        self.invalidations += 1;
        let depends = |kept: &Kept| kept.tags.iter().any(|tag| tags.contains(tag));
        let keys: Vec<Key> =
            self.entries.iter().filter(|(_, kept)| depends(kept)).map(|(key, _)| key.clone()).collect();
        keys.iter().for_each(|key| self.remove(key));
    }

    /// Removes all entries.
    pub(super) fn clear(&mut self) {
        *self = Memory { invalidations: self.invalidations + 1, ..Memory::default() };
    }

    fn remove(&mut self, key: &Key) {
        if let Some(kept) = self.entries.remove(key) {
            self.bytes -= kept.found.loaded.len();
        }
    }
}

#[cfg(test)]
mod tests;
