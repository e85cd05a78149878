//! The true time of a run. Functions and tills see it through skewed clocks.

use protocol::timestamp::Timestamp;
use protocol::timestamp::device_time::DeviceTime;
use tokio::time::Instant;

use super::rng::Rng;

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

    /// The time of a function's clock, which is wrong by at most `skew_micros`.
    pub(crate) fn of_function(self, rng: &mut Rng, skew_micros: u64) -> Timestamp {
        let skew = i64::try_from(rng.below(skew_micros * 2 + 1)).unwrap_or_default();
        skewed(self.now(), skew - i64::try_from(skew_micros).unwrap_or_default())
    }
}

/// `time` on a clock that is ahead by `skew_micros`.
pub(crate) fn skewed(time: Timestamp, skew_micros: i64) -> Timestamp {
    Timestamp(time.0.saturating_add_signed(skew_micros))
}

/// The clock of a till, which may show anything.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct TillClock {
    /// Microseconds by which it is ahead.
    pub(crate) skew_micros: i64,
    /// What it shows whenever the till is switched on, if its battery is empty.
    pub(crate) begins: Option<DeviceTime>,
}

/// The years 1 to 9999.
pub(crate) const YEARS: [DeviceTime; 2] =
    [DeviceTime(-62_135_596_800_000_000), DeviceTime(253_402_300_799_999_999)];

impl TillClock {
    /// What it shows at `true_time`.
    pub(crate) fn shows(self, true_time: Timestamp) -> DeviceTime {
        let shown = DeviceTime::from(true_time).0.saturating_add(self.skew_micros);
        DeviceTime(shown).clamp(YEARS[0], YEARS[1])
    }

    /// The till is switched on at `true_time`.
    pub(crate) fn switch_on(&mut self, true_time: Timestamp) {
        if let Some(begins) = self.begins {
            self.skew_micros = begins.since(true_time);
        }
    }
}
