//! Time limits of a request, and the pauses between its tries.

use std::time::Duration;

use crate::limits::{REDIS_PAUSE_MILLIS, REDIS_PAUSE_MILLIS_MAX, REDIS_TOTAL_MILLIS, REDIS_TRY_MILLIS};

/// Time limits of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// For one try.
    pub per_try: Duration,
    /// For all tries and the pauses between them.
    pub total: Duration,
}

impl Budget {
    /// [`REDIS_TRY_MILLIS`] and [`REDIS_TOTAL_MILLIS`].
    pub const DEFAULT: Budget = Budget {
        per_try: Duration::from_millis(REDIS_TRY_MILLIS),
        total: Duration::from_millis(REDIS_TOTAL_MILLIS),
    };
}

impl Default for Budget {
    fn default() -> Budget {
        Budget::DEFAULT
    }
}

/// The pause after try number `tries`, drawn with `random` from 0 to a ceiling that doubles with each try
/// ("full jitter", Brooker, AWS Architecture Blog, 2015), so that clients that failed together do not retry
/// together.
pub(super) fn pause(tries: u32, random: u64) -> Duration {
    let doubled =
        REDIS_PAUSE_MILLIS.saturating_mul(1_u64.checked_shl(tries.saturating_sub(1)).unwrap_or(u64::MAX));
    let ceiling = doubled.min(REDIS_PAUSE_MILLIS_MAX) * 1000;
    Duration::from_micros(random % (ceiling + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ceiling_doubles_up_to_a_limit() {
        let longest = |tries| (0..400_000).step_by(1000).map(|random| pause(tries, random)).max().unwrap();
        assert_eq!(pause(1, 0), Duration::ZERO);
        assert_eq!(longest(1), Duration::from_millis(20));
        assert_eq!(longest(2), Duration::from_millis(40));
        assert_eq!(longest(4), Duration::from_millis(160));
        assert_eq!(longest(5), Duration::from_millis(200));
        assert!(pause(u32::MAX, u64::MAX) <= Duration::from_millis(200));
    }
}
