//! Statistics by client and kind: counted in memory, and written to Redis from time to time.
//!
//! A process writes all its counts of a day into one field of the client's hash for that day. So a write may
//! be repeated, and a day's figures are the sum over the fields.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::kind::EntryKind;
use super::request::{Request, Source};
use super::{Cache, Clock};
use crate::limits::{
    CACHE_COMPACT_DAYS_BEFORE, CACHE_FLUSH_COMMANDS, CACHE_FLUSH_QUIET_COMMANDS, CACHE_FLUSH_READS,
    CACHE_FLUSH_SECS, CACHE_STATISTICS_CLIENTS_MAX, CACHE_STATISTICS_SECS,
};
use protocol::timestamp::{DAY_SECS, Timestamp};
use redis_client::command::{Command, Ttl, expire, hset};
use redis_client::error::RedisError;
use redis_client::keys::Key;
use redis_client::pipeline::Pipeline;
use redis_client::transport::Transport;
use redis_client::value::Value;

/// The counts of one kind. Each read is a hit, stale, from memory, or a miss.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Counts {
    pub(super) requests: u64,
    pub(super) hits: u64,
    pub(super) stale: u64,
    pub(super) memory: u64,
    /// Reads answered by the source, or failed with it.
    pub(super) misses: u64,
    /// Redis did not respond.
    pub(super) errors: u64,
    /// The source failed.
    pub(super) failures: u64,
    /// Entries that could not be decoded.
    pub(super) damaged: u64,
    /// Microseconds of all reads.
    pub(super) micros: u64,
    pub(super) loads: u64,
    /// Microseconds of all loads.
    pub(super) load_micros: u64,
}

impl Counts {
    fn answer(&mut self, source: Option<Source>, micros: u64) {
        self.requests += 1;
        self.micros = self.micros.saturating_add(micros);
        match source {
            Some(Source::Fresh) => self.hits += 1,
            Some(Source::Stale) => self.stale += 1,
            Some(Source::Memory) => self.memory += 1,
            Some(Source::Loaded | Source::Shared) | None => self.misses += 1,
        }
    }

    /// Counts a load.
    pub(super) fn load(&mut self, succeeded: bool, micros: u64) {
        self.loads += 1;
        self.failures += u64::from(!succeeded);
        self.load_micros = self.load_micros.saturating_add(micros);
    }

    /// The sum.
    pub(super) fn plus(self, other: Counts) -> Counts {
        let sum = u64::saturating_add;
        Counts {
            requests: sum(self.requests, other.requests),
            hits: sum(self.hits, other.hits),
            stale: sum(self.stale, other.stale),
            memory: sum(self.memory, other.memory),
            misses: sum(self.misses, other.misses),
            errors: sum(self.errors, other.errors),
            failures: sum(self.failures, other.failures),
            damaged: sum(self.damaged, other.damaged),
            micros: sum(self.micros, other.micros),
            loads: sum(self.loads, other.loads),
            load_micros: sum(self.load_micros, other.load_micros),
        }
    }
}

/// The counts of one client and day, by the names of the kinds.
pub(super) type Day = BTreeMap<String, Counts>;

/// The counts of this process.
pub(super) struct Statistics {
    /// By the key of the client's hash for the day.
    days: BTreeMap<Key, ProcessDay>,
    /// The process's field in these hashes.
    process: String,
    reads: u64,
    flushed_at: Timestamp,
}

struct ProcessDay {
    day: Day,
    /// Time of the first count that is not written.
    unwritten_since: Option<Timestamp>,
    /// Time of the last count.
    counted_at: Timestamp,
    /// Whether this process has set the hash's TTL.
    has_ttl: bool,
}

/// The counts of one client and day that are due to be written.
struct Due {
    key: Key,
    day: Day,
    needs_ttl: bool,
    unwritten_since: Option<Timestamp>,
}

impl Statistics {
    /// Empty statistics of a process that is named by `random` and starts at `now`.
    pub(super) fn new(random: fn(&mut [u8]), now: Timestamp) -> Statistics {
        let mut name = [0; 8];
        random(&mut name);
        let process = format!("{:016x}", u64::from_le_bytes(name));
        Statistics { days: BTreeMap::new(), process, reads: 0, flushed_at: now }
    }

    /// This process's counts under `key`.
    pub(super) fn day(&self, key: &Key) -> Day {
        self.days.get(key).map(|counted| counted.day.clone()).unwrap_or_default()
    }

    /// Counts for `kind` under `key`, unless [`CACHE_STATISTICS_CLIENTS_MAX`] other clients are counted.
    fn count(&mut self, key: Key, kind: EntryKind, now: Timestamp, change: impl FnOnce(&mut Counts)) {
        if self.days.len() >= CACHE_STATISTICS_CLIENTS_MAX && !self.days.contains_key(&key) {
            return;
        }
        let empty = ProcessDay { day: Day::new(), unwritten_since: None, counted_at: now, has_ttl: false };
        let counted = self.days.entry(key).or_insert(empty);
        let counts = counted.day.entry(kind.as_str().to_owned()).or_default();
        let before = counts.requests;
        change(counts);
        self.reads += counts.requests - before;
        counted.unwritten_since.get_or_insert(now);
        counted.counted_at = now;
    }

    /// Takes the counts to write at `now`: none before [`CACHE_FLUSH_READS`] reads or [`CACHE_FLUSH_SECS`]
    /// seconds, then those that have waited longest. The reads since the last flush limit the number of
    /// commands; after a quiet time, [`CACHE_FLUSH_QUIET_COMMANDS`] are allowed, so that no client waits for
    /// hours.
    fn take_due(&mut self, now: Timestamp) -> Vec<Due> {
        let waited = now >= self.flushed_at.plus_secs(CACHE_FLUSH_SECS);
        let quiet = if waited { CACHE_FLUSH_QUIET_COMMANDS } else { 0 };
        let mut commands = quiet.max(self.reads / CACHE_FLUSH_READS * CACHE_FLUSH_COMMANDS);
        if commands == 0 {
            return Vec::new();
        }
        self.forget_past_days(now);
        let mut waiting: Vec<_> =
            self.days.iter_mut().filter(|(_, counted)| counted.unwritten_since.is_some()).collect();
        waiting.sort_by_key(|(_, counted)| counted.unwritten_since);
        let mut due = Vec::new();
        for (key, counted) in waiting {
            let needs_ttl = !counted.has_ttl;
            let Some(left) = commands.checked_sub(1 + u64::from(needs_ttl)) else { break };
            commands = left;
            counted.has_ttl = true;
            let (day, unwritten_since) = (counted.day.clone(), counted.unwritten_since.take());
            due.push(Due { key: key.clone(), day, needs_ttl, unwritten_since });
        }
        if !due.is_empty() {
            (self.reads, self.flushed_at) = (0, now);
        }
        due
    }

    /// Returns counts that were not written, or not completely; their hashes need a TTL again.
    fn put_back(&mut self, due: Vec<Due>) {
        for due in due {
            if let Some(counted) = self.days.get_mut(&due.key) {
                counted.unwritten_since = due.unwritten_since;
                counted.has_ttl = false;
            }
        }
    }

    /// Forgets written counts of past days, and unwritten ones of days that are
    /// [compacted](crate::Cache::maintain) by now.
    fn forget_past_days(&mut self, now: Timestamp) {
        let days_ago = |at: Timestamp| (now.as_secs() / DAY_SECS).saturating_sub(at.as_secs() / DAY_SECS);
        self.days.retain(|_, counted| match days_ago(counted.counted_at) {
            0 => true,
            days => days < CACHE_COMPACT_DAYS_BEFORE && counted.unwritten_since.is_some(),
        });
    }
}

impl<T: Transport, C: Clock> Cache<T, C> {
    /// Writes the counts if they are due, in one round trip, or two if Redis had lost earlier ones. To be
    /// called at the end of a request. Counts that could not be written are written later.
    pub async fn flush_if_due(&self) {
        let (due, process) = {
            let mut statistics = self.statistics();
            (statistics.take_due(self.now()), statistics.process.clone())
        };
        if self.write_counts(&due, &process).await.is_err() {
            self.statistics().put_back(due);
        }
    }

    async fn write_counts(&self, due: &[Due], process: &str) -> Result<(), RedisError> {
        let (mut pipeline, mut slots) = (Pipeline::new(), Vec::new());
        for Due { key, day, needs_ttl, .. } in due {
            let counts = Value::json(day).map_err(RedisError::Write)?;
            let write = pipeline.push(hset(key, [(process, &counts)]));
            slots.push((key, write, needs_ttl.then(|| pipeline.push(expire_statistics(key)))));
        }
        let mut replies = self.redis.pipeline(&pipeline).await?;
        let (mut lost, mut lost_slots) = (Pipeline::new(), Vec::new());
        for (key, write, expiry) in slots {
            let is_new_field = replies.take(write)? > 0;
            if let Some(expiry) = expiry {
                replies.take(expiry)?;
            } else if is_new_field {
                // This process had written the field before: Redis has lost the hash and its TTL.
                lost_slots.push(lost.push(expire_statistics(key)));
            }
        }
        let mut replies = self.redis.pipeline(&lost).await?;
        lost_slots.into_iter().try_for_each(|slot| replies.take(slot).map(drop))
    }

    /// Counts a read that began at `began`.
    pub(super) fn count_answer(&self, request: &Request, source: Option<Source>, began: Timestamp) {
        let micros = self.now().0.saturating_sub(began.0);
        self.count(request, |counts| counts.answer(source, micros));
    }

    /// Counts a call that Redis did not respond to.
    pub(super) fn count_error(&self, request: &Request) {
        self.count(request, |counts| counts.errors += 1);
    }

    /// Counts for the client and kind of `request`.
    pub(super) fn count(&self, request: &Request, change: impl FnOnce(&mut Counts)) {
        let now = self.now();
        let key = self.keys.cache_statistics(&request.client, now);
        self.statistics().count(key, request.kind, now, change);
    }
}

/// Sets the TTL of a day's statistics.
pub(super) fn expire_statistics(key: &Key) -> Command<bool> {
    expire(key, Ttl::of_secs(CACHE_STATISTICS_SECS))
}
