//! The clocks of a room's devices, compared with the server's.
//!
//! The readings are an item of their own, outside HEAD: every commit rewrites HEAD, and most clocks stay as
//! they are.

use std::collections::BTreeMap;

use crate::limits::{CLOCK_CHANGE_MILLIS, CLOCK_READING_SECS, DEVICE_CLOCKS_BYTES_MAX, DEVICE_CLOCKS_MAX};
use protocol::ids::DeviceId;
use protocol::timestamp::Timestamp;
use protocol::timestamp::device_time::DeviceTime;

/// A device's clock compared with the server's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClockReading {
    /// Milliseconds the device's clock is ahead of the server's; negative if it is behind.
    pub skew_millis: i64,
    /// The server's time of the reading.
    pub at: Timestamp,
}

impl ClockReading {
    /// A device's clock shows `device_time` at the server's time `now`.
    pub fn new(device_time: DeviceTime, now: Timestamp) -> ClockReading {
        ClockReading { skew_millis: device_time.since(now).div_euclid(1000), at: now }
    }

    /// Whether a reading that follows `self` says something new: the clock was set, or `self` is old.
    pub fn is_outdated_by(self, later: ClockReading) -> bool {
        self.skew_millis.abs_diff(later.skew_millis) > CLOCK_CHANGE_MILLIS
            || self.at.plus_secs(CLOCK_READING_SECS) <= later.at
    }
}

/// The last stored reading of each device of a room; the latest [`DEVICE_CLOCKS_MAX`] are kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Clocks(BTreeMap<DeviceId, ClockReading>);

impl Clocks {
    /// The reading of `device`.
    pub fn get(&self, device: &DeviceId) -> Option<ClockReading> {
        self.0.get(device).copied()
    }

    /// The readings by device.
    pub fn iter(&self) -> impl Iterator<Item = (&DeviceId, ClockReading)> {
        self.0.iter().map(|(device, reading)| (device, *reading))
    }

    /// Stores a reading unless a later one is known; drops the oldest ones over the limits.
    pub fn note(&mut self, device: &DeviceId, reading: ClockReading) {
        if self.get(device).is_some_and(|known| known.at > reading.at) {
            return;
        }
        self.0.insert(device.clone(), reading);
        while self.0.len() > DEVICE_CLOCKS_MAX || self.id_bytes() > DEVICE_CLOCKS_BYTES_MAX {
            let oldest = self.0.iter().min_by_key(|(_, reading)| reading.at);
            let oldest = oldest.map(|(device, _)| device.clone());
            self.0.retain(|device, _| Some(device) != oldest.as_ref());
        }
    }

    fn id_bytes(&self) -> usize {
        self.0.keys().map(|device| device.as_str().len()).sum()
    }
}

impl FromIterator<(DeviceId, ClockReading)> for Clocks {
    fn from_iter<I: IntoIterator<Item = (DeviceId, ClockReading)>>(readings: I) -> Clocks {
        let mut clocks = Clocks::default();
        readings.into_iter().for_each(|(device, reading)| clocks.note(&device, reading));
        clocks
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_765_103_400_000_000);

    /// The readings of `devices` devices, taken one after the other.
    fn clocks(devices: usize, name: impl Fn(usize) -> String) -> Clocks {
        let reading = |i: usize| ClockReading { skew_millis: -5, at: Timestamp(i as u64) };
        (0..devices).map(|i| (name(i).parse().unwrap(), reading(i))).collect()
    }

    #[test]
    fn the_oldest_clock_readings_are_dropped_and_long_ids_leave_room_for_fewer() {
        let name = |i: usize| format!("till-{i}");
        let many = clocks(DEVICE_CLOCKS_MAX + 1, name);
        assert_eq!(many.iter().count(), DEVICE_CLOCKS_MAX);
        assert_eq!(many.get(&name(0).parse().unwrap()), None);
        assert!(many.get(&name(DEVICE_CLOCKS_MAX).parse().unwrap()).is_some());
        let long = clocks(DEVICE_CLOCKS_MAX, |i| format!("{i:0>128}"));
        assert_eq!(long.iter().count(), DEVICE_CLOCKS_BYTES_MAX / 128);
    }

    #[test]
    fn a_reading_compares_the_clocks_in_both_directions() {
        let at = |micros: u64| ClockReading::new(Timestamp(micros).into(), NOW);
        assert_eq!(at(NOW.0 - 2_500_000), ClockReading { skew_millis: -2500, at: NOW });
        assert_eq!(at(NOW.0 + 40_000).skew_millis, 40);
    }

    #[test]
    fn a_reading_is_outdated_once_the_clock_was_set_or_an_hour_has_passed() {
        let first = ClockReading { skew_millis: 0, at: NOW };
        let change = i64::try_from(CLOCK_CHANGE_MILLIS).unwrap();
        for (skew_millis, secs, outdated) in [
            (change, 0, false),
            (-change, 0, false),
            (change + 1, 0, true),
            (-change - 1, 0, true),
            (0, CLOCK_READING_SECS - 1, false),
            (0, CLOCK_READING_SECS, true),
        ] {
            let later = ClockReading { skew_millis, at: NOW.plus_secs(secs) };
            assert_eq!(first.is_outdated_by(later), outdated, "{later:?}");
        }
    }

    #[test]
    fn an_earlier_reading_does_not_replace_a_later_one() {
        let device: DeviceId = "till-1".parse().unwrap();
        let (early, late) =
            (ClockReading::new(NOW.into(), NOW), ClockReading::new(NOW.into(), NOW.plus_secs(9)));
        let clocks: Clocks = [(device.clone(), late), (device.clone(), early)].into_iter().collect();
        assert_eq!(clocks.get(&device), Some(late));
    }
}
