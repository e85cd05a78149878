//! Counts of what a client has sent. The service bills commands and round trips.

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

/// What a client has sent since it was created.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Round trips, repeats included.
    pub requests: u64,
    /// Commands in them.
    pub commands: u64,
    /// Requests without a response by Redis.
    pub failures: u64,
    /// Requests that were sent again.
    pub repeats: u64,
}

impl Counters {
    pub(super) fn count_request(&self, commands: usize) {
        self.requests.fetch_add(1, Ordering::Relaxed);
        self.commands.fetch_add(u64::try_from(commands).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    pub(super) fn count_repeat(&self) {
        self.repeats.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn count_outcome(&self, succeeded: bool, micros: u64) {
        if succeeded {
            // 0 means: no response yet.
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
