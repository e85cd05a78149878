//! The time as the functions see it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use protocol::timestamp::Timestamp;

/// A clock that tests can move on. Clones share it.
///
/// Only the functions' view of the time is moved: signatures and seals are checked by others, whose clocks
/// are right.
#[derive(Debug, Clone, Default)]
pub struct Clock(Arc<AtomicU64>);

impl Clock {
    /// The time, and what [`advance`](Clock::advance) added to it.
    pub fn now(&self) -> Timestamp {
        let ahead = self.0.load(Ordering::Relaxed);
        Timestamp(functions::start::now().0.saturating_add(ahead))
    }

    /// Moves the clock on for everybody who uses this stack.
    pub fn advance(&self, secs: u64) {
        self.0.fetch_add(secs.saturating_mul(1_000_000), Ordering::Relaxed);
    }
}
