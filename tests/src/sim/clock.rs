//! The true time of a run. Nobody in it has a clock that shows it.

use protocol::timestamp::Timestamp;
use tokio::time::Instant;

/// When every run begins: 2026-01-05T08:00:00Z, a Monday.
const BEGINNING: Timestamp = Timestamp(1_767_600_000_000_000);

/// The time since a run began, on tokio's paused clock. It moves only when everybody waits.
#[derive(Clone, Copy, Debug)]
pub struct Clock(Instant);

impl Clock {
    /// A clock that starts now.
    pub fn start() -> Clock {
        Clock(Instant::now())
    }

    /// The time.
    pub fn now(self) -> Timestamp {
        let elapsed = u64::try_from(self.0.elapsed().as_micros()).unwrap_or(u64::MAX);
        Timestamp(BEGINNING.0.saturating_add(elapsed))
    }
}

/// `time` on a clock that is wrong by `skew_micros`.
pub fn skewed(time: Timestamp, skew_micros: i64) -> Timestamp {
    Timestamp(time.0.saturating_add_signed(skew_micros))
}
