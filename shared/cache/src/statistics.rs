//! What the cache did, by client and kind: counted in memory, and written now and then.
//!
//! A process writes its counts of a day, whole, into one field of the client's hash for that day; so it does not matter
//! if a write is repeated, and a day's figures are the sum over the fields.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::kind::Kind;
use super::request::Source;
use crate::limits::{
    CACHE_COMPACT_DAYS_BEFORE, CACHE_FLUSH_COMMANDS, CACHE_FLUSH_QUIET_COMMANDS, CACHE_FLUSH_READS,
    CACHE_FLUSH_SECS, CACHE_TALLIES_MAX,
};
use protocol::timestamp::{DAY_SECS, Timestamp};
use redis_client::keys::Key;

/// What was counted for one kind. A reader is answered in one of four ways, or not at all: fresh, stale, from memory,
/// or by a miss.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Tally {
    /// Reads.
    pub requests: u64,
    /// Answered from a fresh entry.
    pub hits: u64,
    /// Answered from an entry past its time.
    pub stale: u64,
    /// Answered from the process's own memory.
    pub memory: u64,
    /// Answered from the source, or not at all because that failed.
    pub misses: u64,
    /// Times that Redis did not answer.
    pub errors: u64,
    /// Times that the source failed.
    pub failures: u64,
    /// Entries that could not be read.
    pub damaged: u64,
    /// Microseconds that all reads took.
    pub micros: u64,
    /// Times that the source was asked.
    pub loads: u64,
    /// Microseconds that it took.
    pub load_micros: u64,
}

impl Tally {
    /// Counts a read that was answered from `source`, or failed.
    pub(super) fn answered(&mut self, source: Option<Source>, micros: u64) {
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
    pub(super) fn loaded(&mut self, well: bool, micros: u64) {
        self.loads += 1;
        self.failures += u64::from(!well);
        self.load_micros = self.load_micros.saturating_add(micros);
    }

    /// Both together.
    pub fn plus(self, other: Tally) -> Tally {
        let sum = u64::saturating_add;
        Tally {
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
pub type Day = BTreeMap<String, Tally>;

/// All counts of a process.
#[derive(Debug)]
pub(super) struct Tallies {
    /// By the key under which they are written, which names client and day.
    days: BTreeMap<Key, Counted>,
    /// The process's name, as the field in these hashes.
    process: String,
    reads: u64,
    flushed_at: Timestamp,
}

#[derive(Debug)]
struct Counted {
    day: Day,
    /// When the first of them was counted that is not written yet.
    waiting_since: Option<Timestamp>,
    /// When the last of them was counted.
    last: Timestamp,
    /// Whether the hash was given a TTL by this process.
    expires: bool,
}

/// One hash that is due.
#[derive(Debug)]
pub(super) struct Due {
    pub(super) key: Key,
    pub(super) day: Day,
    /// Whether the hash must be given a TTL.
    pub(super) first: bool,
    since: Timestamp,
}

impl Tallies {
    /// No counts, of a process that is named by `random` and begins at `now`.
    pub(super) fn of_process(random: fn(&mut [u8]), now: Timestamp) -> Tallies {
        let mut name = [0; 8];
        random(&mut name);
        let process = format!("{:016x}", u64::from_le_bytes(name));
        Tallies { days: BTreeMap::new(), process, reads: 0, flushed_at: now }
    }

    /// The process's name.
    pub(super) fn process(&self) -> String {
        self.process.clone()
    }

    /// Counts something for `kind` under `key`. Clients beyond [`CACHE_TALLIES_MAX`] a day are not counted.
    pub(super) fn count(&mut self, key: &Key, kind: Kind, now: Timestamp, change: impl FnOnce(&mut Tally)) {
        if self.days.len() >= CACHE_TALLIES_MAX && !self.days.contains_key(key) {
            return;
        }
        let none = Counted { day: Day::new(), waiting_since: None, last: now, expires: false };
        let counted = self.days.entry(key.clone()).or_insert(none);
        let tally = counted.day.entry(kind.as_str().to_owned()).or_default();
        let before = tally.requests;
        change(tally);
        self.reads += tally.requests - before;
        counted.waiting_since.get_or_insert(now);
        counted.last = now;
    }

    /// What was counted under `key` by this process.
    pub(super) fn of(&self, key: &Key) -> Day {
        self.days.get(key).map(|counted| counted.day.clone()).unwrap_or_default()
    }

    /// What is to be written at `now`: nothing before [`CACHE_FLUSH_READS`] reads or [`CACHE_FLUSH_SECS`] seconds; then
    /// those that wait longest, with as many commands as the reads since the last time allow, or
    /// [`CACHE_FLUSH_QUIET_COMMANDS`] where these were few, so that a client among many does not wait by the hour.
    pub(super) fn due(&mut self, now: Timestamp) -> Vec<Due> {
        let in_time = now < self.flushed_at.plus_secs(CACHE_FLUSH_SECS);
        let of_time = if in_time { 0 } else { CACHE_FLUSH_QUIET_COMMANDS };
        let mut commands = of_time.max(self.reads / CACHE_FLUSH_READS * CACHE_FLUSH_COMMANDS);
        if commands == 0 {
            return Vec::new();
        }
        self.forget_past_days(now);
        let mut waiting: Vec<_> = self
            .days
            .iter_mut()
            .filter_map(|(key, counted)| Some((counted.waiting_since?, key, counted)))
            .collect();
        waiting.sort_by_key(|(since, ..)| *since);
        let mut due = Vec::new();
        for (since, key, counted) in waiting {
            let first = !counted.expires;
            let Some(left) = commands.checked_sub(1 + u64::from(first)) else { break };
            commands = left;
            counted.waiting_since = None;
            counted.expires = true;
            due.push(Due { key: key.clone(), day: counted.day.clone(), first, since });
        }
        if !due.is_empty() {
            (self.reads, self.flushed_at) = (0, now);
        }
        due
    }

    /// What was due could not be written, or not in full, and waits again, for its TTL too.
    pub(super) fn put_back(&mut self, due: Vec<Due>) {
        for due in due {
            if let Some(counted) = self.days.get_mut(&due.key) {
                counted.waiting_since = Some(due.since);
                counted.expires = false;
            }
        }
    }

    /// Forgets what is written and of a day before that of `now`, where no more will be counted; and what is of a day that
    /// is [folded](super::compact) by now, written or not.
    fn forget_past_days(&mut self, now: Timestamp) {
        let days_since = |at: Timestamp| (now.as_secs() / DAY_SECS).saturating_sub(at.as_secs() / DAY_SECS);
        self.days.retain(|_, counted| match days_since(counted.last) {
            0 => true,
            days => days < CACHE_COMPACT_DAYS_BEFORE && counted.waiting_since.is_some(),
        });
    }
}
