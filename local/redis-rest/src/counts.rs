//! What the front has served, as the service would count it.

use std::sync::atomic::{AtomicU64, Ordering};

/// Numbers since the front was started; take them before and after, and subtract.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// HTTP requests that arrived: round trips.
    pub requests: u64,
    /// Commands that arrived, alone, in pipelines and in transactions; a subscription is one.
    pub commands: u64,
    /// Commands as they are billed: one each, and one more for each that a script runs (where
    /// [`bill_scripts`](crate::front::FrontOptions::bill_scripts) is on). Refused ones are not billed.
    pub billed: u64,
}

impl std::ops::Sub for Counts {
    type Output = Counts;

    fn sub(self, earlier: Counts) -> Counts {
        Counts {
            requests: self.requests.saturating_sub(earlier.requests),
            commands: self.commands.saturating_sub(earlier.commands),
            billed: self.billed.saturating_sub(earlier.billed),
        }
    }
}

/// The running numbers.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    requests: AtomicU64,
    commands: AtomicU64,
    billed: AtomicU64,
}

impl Counters {
    pub(crate) fn request(&self) {
        self.requests.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn commands(&self, commands: usize) {
        self.commands.fetch_add(u64::try_from(commands).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    pub(crate) fn billed(&self, billed: u64) {
        self.billed.fetch_add(billed, Ordering::Relaxed);
    }

    pub(crate) fn read(&self) -> Counts {
        Counts {
            requests: self.requests.load(Ordering::Relaxed),
            commands: self.commands.load(Ordering::Relaxed),
            billed: self.billed.load(Ordering::Relaxed),
        }
    }
}
