//! What the client has sent: commands and round trips are what the service bills.

use std::sync::atomic::{AtomicU64, Ordering};

/// Running counts, shared by a client's clones.
#[derive(Debug, Default)]
pub(super) struct Counters {
    requests: AtomicU64,
    commands: AtomicU64,
    failures: AtomicU64,
    repeats: AtomicU64,
    latency_micros: AtomicU64,
}

/// What a client has sent since it was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Requests: round trips, repeats included.
    pub requests: u64,
    /// Commands in them.
    pub commands: u64,
    /// Requests that had no answer of Redis.
    pub failures: u64,
    /// Requests that were made again.
    pub repeats: u64,
}

impl Counters {
    pub(super) fn sent(&self, commands: usize) {
        self.requests.fetch_add(1, Ordering::Relaxed);
        self.commands.fetch_add(u64::try_from(commands).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    pub(super) fn repeated(&self) {
        self.repeats.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn ended(&self, answered: bool, micros: u64) {
        if answered {
            // 0 stands for no answer yet.
            self.latency_micros.store(micros.max(1), Ordering::Relaxed);
        } else {
            self.failures.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(super) fn latency_micros(&self) -> Option<u64> {
        Some(self.latency_micros.load(Ordering::Relaxed)).filter(|micros| *micros > 0)
    }

    pub(super) fn read(&self) -> Counts {
        Counts {
            requests: self.requests.load(Ordering::Relaxed),
            commands: self.commands.load(Ordering::Relaxed),
            failures: self.failures.load(Ordering::Relaxed),
            repeats: self.repeats.load(Ordering::Relaxed),
        }
    }
}
