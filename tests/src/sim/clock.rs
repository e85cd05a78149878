//! The true time of a run. Functions and tills see it through skewed clocks.

use protocol::timestamp::Timestamp;
use tokio::time::Instant;

/// The time at which every run begins: Monday, 2026-01-05T08:00:00Z.
pub(crate) const BEGINNING: Timestamp = Timestamp(1_767_600_000_000_000);

/// The time since the run began, on tokio's paused clock. It advances only when all tasks wait.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock(Instant);

impl Clock {
    pub(crate) fn start() -> Clock {
        Clock(Instant::now())
    }

    pub(crate) fn now(self) -> Timestamp {
        let elapsed = u64::try_from(self.0.elapsed().as_micros()).unwrap_or(u64::MAX);
        Timestamp(BEGINNING.0.saturating_add(elapsed))
    }
}

/// `time` on a clock that is ahead by `skew_micros`.
pub(crate) fn skewed(time: Timestamp, skew_micros: i64) -> Timestamp {
    Timestamp(time.0.saturating_add_signed(skew_micros))
}
