//! The pace at which a body must arrive.

use std::time::Duration;

use protocol::limits::{BODY_WINDOW_BYTES, BODY_WINDOW_SECS};
use protocol::timestamp::Timestamp;

/// A window of time in which a part of the body must arrive, unless the body ends. The next window begins
/// when the part is there.
pub(super) struct Pace {
    ends_at: Timestamp,
    missing: usize,
}

impl Pace {
    pub(super) fn new(now: Timestamp) -> Pace {
        Pace { ends_at: now.plus_secs(BODY_WINDOW_SECS), missing: BODY_WINDOW_BYTES }
    }

    /// Counts bytes that arrived at `now`.
    pub(super) fn count(&mut self, bytes: usize, now: Timestamp) {
        self.missing = self.missing.saturating_sub(bytes);
        if self.missing == 0 {
            *self = Pace::new(now);
        }
    }

    /// When the body is too slow.
    pub(super) fn ends_at(&self) -> Timestamp {
        self.ends_at
    }

    /// The time until then; `None` if it has passed at `now`.
    pub(super) fn left(&self, now: Timestamp) -> Option<Duration> {
        let micros = self.ends_at.0.saturating_sub(now.0);
        (micros > 0).then(|| Duration::from_micros(micros))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_765_103_400_000_000);

    #[test]
    fn each_window_needs_its_bytes() {
        let mut pace = Pace::new(NOW);
        let almost = NOW.plus_secs(BODY_WINDOW_SECS - 1);
        pace.count(BODY_WINDOW_BYTES - 1, almost);
        assert_eq!(pace.left(almost), Some(Duration::from_secs(1)));
        assert_eq!(pace.left(NOW.plus_secs(BODY_WINDOW_SECS)), None);
        pace.count(1, almost);
        assert_eq!(pace.left(almost), Some(Duration::from_secs(BODY_WINDOW_SECS)));
    }

    #[test]
    fn a_byte_a_second_is_too_slow_and_a_slow_line_is_not() {
        let lasts = |bytes_per_sec: usize| {
            let mut pace = Pace::new(NOW);
            (1..=600).all(|secs| {
                let now = NOW.plus_secs(secs);
                let in_time = pace.left(now).is_some();
                pace.count(bytes_per_sec, now);
                in_time
            })
        };
        let pace = BODY_WINDOW_BYTES / usize::try_from(BODY_WINDOW_SECS).unwrap();
        assert!(!lasts(1) && !lasts(pace / 2));
        assert!(lasts(2 * pace));
    }
}
