//! The rate of frames from one device: the generic cell rate algorithm in one number, which is part of the
//! socket's attachment and so survives hibernation.

use protocol::limits::{FRAMES_BURST_MAX, FRAMES_PER_SEC_MAX};
use protocol::timestamp::Timestamp;
use serde::{Deserialize, Serialize};

/// Microseconds after which one more frame is allowed.
const INTERVAL_MICROS: u64 = 1_000_000 / FRAMES_PER_SEC_MAX;

/// The time at which the device may send a whole burst again, in microseconds since the epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct FrameRate(u64);

impl FrameRate {
    /// Counts a frame at `now`; whether it is within the rate. Pings that the runtime answers are not
    /// counted: they cost nothing.
    pub(super) fn count(&mut self, now: Timestamp) -> bool {
        // A later time was written by a clock ahead of ours, and must not close the socket.
        let whole_burst = now.0.saturating_add(FRAMES_BURST_MAX * INTERVAL_MICROS);
        let stored = if self.0 > whole_burst { now.0 } else { self.0.max(now.0) };
        let after = stored.saturating_add(INTERVAL_MICROS);
        let allowed = after <= whole_burst;
        if allowed {
            self.0 = after;
        }
        allowed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_765_103_400_000_000);

    #[test]
    fn a_burst_is_allowed_and_one_more_frame_is_not() {
        let mut rate = FrameRate::default();
        assert!((0..FRAMES_BURST_MAX).all(|_| rate.count(NOW)));
        assert!(!rate.count(NOW));
        assert!(!rate.count(Timestamp(NOW.0 + INTERVAL_MICROS - 1)));
        assert!(rate.count(Timestamp(NOW.0 + INTERVAL_MICROS)));
    }

    #[test]
    fn a_time_from_a_clock_ahead_does_not_refuse_frames() {
        let mut rate = FrameRate::default();
        assert!((0..FRAMES_BURST_MAX).all(|_| rate.count(NOW.plus_secs(60))));
        assert!(rate.count(NOW));
    }

    #[test]
    fn the_steady_rate_is_allowed_for_ever_and_a_faster_one_is_not() {
        let allowed = |per_sec: u64| {
            let mut rate = FrameRate::default();
            (0..per_sec * 60).all(|i| rate.count(Timestamp(NOW.0 + i * 1_000_000 / per_sec)))
        };
        assert!(allowed(FRAMES_PER_SEC_MAX));
        assert!(!allowed(FRAMES_PER_SEC_MAX + 2));
    }
}
