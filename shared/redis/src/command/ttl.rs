//! The time to live of a key.

use std::fmt;
use std::num::NonZeroU64;
use std::time::Duration;

/// A time to live in whole milliseconds, at least one: Redis rejects 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ttl(NonZeroU64);

impl Ttl {
    /// `duration` rounded up to a millisecond; at least one millisecond and at most a hundred years.
    pub fn of(duration: Duration) -> Ttl {
        let millis = u64::try_from(duration.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX);
        // Redis adds it to the time of day in a signed 64-bit integer.
        Ttl(NonZeroU64::new(millis.min(Ttl::MILLIS_MAX)).unwrap_or(NonZeroU64::MIN))
    }

    /// `secs` seconds; at least one millisecond.
    pub fn of_secs(secs: u64) -> Ttl {
        Ttl::of(Duration::from_secs(secs))
    }

    /// Milliseconds.
    pub fn as_millis(self) -> u64 {
        self.0.get()
    }

    /// A hundred years.
    const MILLIS_MAX: u64 = 100 * 365 * 24 * 3600 * 1000;
}

impl fmt::Display for Ttl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ttl_is_never_rounded_to_zero() {
        assert_eq!(Ttl::of(Duration::ZERO).as_millis(), 1);
        assert_eq!(Ttl::of(Duration::from_nanos(1)).as_millis(), 1);
        assert_eq!(Ttl::of(Duration::from_micros(1001)).as_millis(), 2);
        assert_eq!(Ttl::of_secs(7).as_millis(), 7000);
        assert_eq!(Ttl::of(Duration::MAX).as_millis(), Ttl::MILLIS_MAX);
    }
}
