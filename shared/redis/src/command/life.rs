//! How long something is to be kept.

use std::fmt;
use std::num::NonZeroU64;
use std::time::Duration;

/// A time to live, in whole milliseconds and never none: Redis takes 0 for a mistake, and a key whose life was rounded
/// down to it would be lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Life(NonZeroU64);

impl Life {
    /// A life of `duration`, rounded up to a millisecond, and of one millisecond at least.
    pub fn of(duration: Duration) -> Life {
        let millis = u64::try_from(duration.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX);
        // Redis adds it to the time of day, in 64 bits with a sign.
        Life(NonZeroU64::new(millis.min(Life::MILLIS_MAX)).unwrap_or(NonZeroU64::MIN))
    }

    /// A life of `secs` seconds, and of one millisecond at least.
    pub fn of_secs(secs: u64) -> Life {
        Life::of(Duration::from_secs(secs))
    }

    /// Milliseconds.
    pub fn as_millis(self) -> u64 {
        self.0.get()
    }

    /// A hundred years.
    const MILLIS_MAX: u64 = 100 * 365 * 24 * 3600 * 1000;
}

impl fmt::Display for Life {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_life_is_never_rounded_to_nothing() {
        assert_eq!(Life::of(Duration::ZERO).as_millis(), 1);
        assert_eq!(Life::of(Duration::from_nanos(1)).as_millis(), 1);
        assert_eq!(Life::of(Duration::from_micros(1001)).as_millis(), 2);
        assert_eq!(Life::of_secs(7).as_millis(), 7000);
        assert_eq!(Life::of(Duration::MAX).as_millis(), Life::MILLIS_MAX);
    }
}
