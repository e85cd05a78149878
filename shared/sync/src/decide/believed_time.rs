//! The time of a write that the server believes.

use protocol::limits::CLOCK_AHEAD_MICROS_MAX;
use protocol::timestamp::Timestamp;
use protocol::timestamp::device_time::DeviceTime;

use super::Batch;
use crate::limits::CLOCK_SKEW_MICROS_MIN;
use crate::push::{Push, Write};

/// [`CLOCK_AHEAD_MICROS_MAX`] as a difference of two clocks.
const AHEAD_MICROS_MAX: i64 = CLOCK_AHEAD_MICROS_MAX.cast_signed();

/// The time of a write, as the server believes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct BelievedTime {
    /// The time; at most [`CLOCK_AHEAD_MICROS_MAX`] ahead of the server. Before all others if the till told
    /// none, so that it decides nothing.
    pub(super) at: Timestamp,
    /// The time of the write, or of its arrival if the till told none: how old it is.
    pub(super) made_at: Timestamp,
    /// Whether the device's clock is so far ahead that its time decides nothing; `at` is the server's then.
    pub(super) ahead: bool,
    /// The time before it was clamped.
    shown: DeviceTime,
    /// Whether `at` is another time than the device's, even after its clock was corrected.
    pub(super) clamped: bool,
}

/// What the device's clock showed when the push was sent, if it tells how old the writes are; `None` if the
/// clock was set back since one of them.
pub(super) fn device_clock(push: &Push) -> Option<DeviceTime> {
    let newest = push.writes().filter_map(|write| write.at).max();
    push.device_time.filter(|clock| newest.is_none_or(|newest| newest.since(*clock) <= AHEAD_MICROS_MAX))
}

impl Batch<'_> {
    /// The time of `write` that the server believes.
    pub(super) fn believed_time(&self, write: &Write) -> BelievedTime {
        let arrived_at = self.push.arrived_at.unwrap_or(self.now);
        match write.at {
            Some(at) => BelievedTime::of(at, self.device_clock, arrived_at, self.now),
            None => BelievedTime::untold(arrived_at.min(self.now)),
        }
    }
}

impl BelievedTime {
    /// The time of a write that a device dates `at`, and that is decided at `now`. When it arrived, at
    /// `arrived_at`, the device's clock showed `clock`.
    fn of(at: DeviceTime, clock: Option<DeviceTime>, arrived_at: Timestamp, now: Timestamp) -> BelievedTime {
        let at = clock.and_then(|clock| corrected(at, clock, arrived_at.min(now))).unwrap_or(at);
        if at.since(now) > AHEAD_MICROS_MAX {
            return BelievedTime { at: now, made_at: now, ahead: true, shown: at, clamped: true };
        }
        let (told, shown) = (at.clamped(), at);
        // Every time that is told is later than none.
        let believed = told.max(Timestamp(1));
        BelievedTime { at: believed, made_at: believed, ahead: false, shown, clamped: shown != told.into() }
    }

    /// The time of a write that arrived at `arrived_at` and was not dated.
    fn untold(arrived_at: Timestamp) -> BelievedTime {
        let (at, shown) = (Timestamp(0), arrived_at.into());
        BelievedTime { at, made_at: arrived_at, ahead: false, shown, clamped: false }
    }

    /// When the write was made, to judge whether that was before `since`. A clock that is ahead by as much
    /// does not tell, and a write that may be old counts as old.
    pub(super) fn made(&self, since: Timestamp, now: Timestamp) -> Timestamp {
        let is_told = self.shown.since(now) <= DeviceTime::from(now).since(since);
        if is_told { self.made_at } else { Timestamp(0) }
    }
}

/// The time of the write by the server's clock: as long before its arrival as it is by the device's, but
/// never after it, so that no `device_time` makes a write win over later ones. `None` if the device's clock
/// is right.
fn corrected(at: DeviceTime, clock: DeviceTime, arrived_at: Timestamp) -> Option<DeviceTime> {
    let is_right = clock.since(arrived_at).unsigned_abs() <= CLOCK_SKEW_MICROS_MIN;
    let age = clock.since(at).max(0);
    let arrived_at = DeviceTime::from(arrived_at);
    (!is_right).then(|| DeviceTime(arrived_at.0.saturating_sub(age)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NOW: Timestamp = Timestamp(1_765_103_400_000_000);
    const MINUTE: i64 = 60_000_000;

    fn by_server(micros: i64) -> DeviceTime {
        DeviceTime(DeviceTime::from(NOW).0 + micros)
    }

    fn any_time() -> impl Strategy<Value = DeviceTime> {
        prop_oneof![
            (-90 * MINUTE..90 * MINUTE).prop_map(by_server),
            (-62_200_000_000_000_000..253_500_000_000_000_000_i64).prop_map(DeviceTime),
        ]
    }

    #[test]
    fn a_clock_that_is_fast_or_slow_and_says_so_is_corrected() {
        for skew in [-60 * 24 * 365 * 60 * MINUTE, -10 * MINUTE, 10 * MINUTE, 9000 * MINUTE] {
            let time = BelievedTime::of(by_server(skew - 3 * MINUTE), Some(by_server(skew)), NOW, NOW);
            assert_eq!(DeviceTime::from(time.at), by_server(-3 * MINUTE));
            assert_eq!((time.ahead, time.clamped), (false, false));
        }
        // The network's delay does not move the times of a right clock.
        let time = BelievedTime::of(by_server(-MINUTE), Some(by_server(-5_000_000)), NOW, NOW);
        assert_eq!(DeviceTime::from(time.at), by_server(-MINUTE));
    }

    #[test]
    fn a_write_that_waited_for_its_turn_is_no_later_for_it() {
        let arrived_at = Timestamp(NOW.0 - 10_000_000);
        let believed = |at, clock| BelievedTime::of(at, Some(clock), arrived_at, NOW).at;
        let (slow, right) = (by_server(-9000 * MINUTE), by_server(-10_000_000));
        assert_eq!(believed(slow, slow), arrived_at);
        // The wait is no error of the clock either.
        let at = by_server(-35_000_000);
        assert_eq!(DeviceTime::from(believed(at, by_server(-39_000_000))), at);
        assert_eq!(DeviceTime::from(believed(at, right)), at);
        let future = NOW.plus_secs(60);
        assert_eq!(BelievedTime::of(slow, Some(slow), future, NOW).at, NOW);
    }

    #[test]
    fn times_before_1970_and_after_2255_are_clamped() {
        let year_one = DeviceTime::parse("0001-01-01T00:00:00Z").unwrap();
        let time = BelievedTime::of(year_one, None, NOW, NOW);
        assert_eq!((time.at, time.ahead, time.clamped), (Timestamp(1), false, true));
        let last_year = DeviceTime::parse("9999-12-31T23:59:59Z").unwrap();
        let time = BelievedTime::of(last_year, None, NOW, NOW);
        assert_eq!((time.at, time.ahead, time.clamped), (NOW, true, true));
    }

    proptest! {
        #[test]
        fn no_clock_moves_a_write_into_the_future(at in any_time(), clock in prop::option::of(any_time())) {
            let time = BelievedTime::of(at, clock, NOW, NOW);
            prop_assert!(time.at.0 <= NOW.0 + CLOCK_AHEAD_MICROS_MAX);
            // Only an uncorrected time is later than the server's.
            prop_assert!(time.at <= NOW || DeviceTime::from(time.at) == at);
        }

        /// A time that is too far ahead is the server's, which is no later than one that is less far ahead.
        #[test]
        fn the_order_of_a_devices_writes_stays(mut times in [any_time(), any_time()], clock in any_time()) {
            times.sort_unstable();
            let [a, b] = times.map(|at| BelievedTime::of(at, Some(clock), NOW, NOW));
            prop_assert!(a.at <= b.at || b.ahead);
        }
    }
}
