//! What a push reads before it is decided.

use std::collections::BTreeMap;

use crate::limits::{DEVICE_CLOCKS_BYTES_MAX, DEVICE_CLOCKS_MAX};
use crate::marker::Marker;
use crate::record::Record;
use protocol::ids::DeviceId;
use protocol::record::RecordKey;
use protocol::stamp::Stamp;
use protocol::timestamp::Timestamp;

/// A room's HEAD: the stamp of its last commit, with its counters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Head {
    /// The stamp of the last change.
    pub stamp: Stamp,
    /// Number of changes ever committed.
    pub changes: u64,
    /// Number of log items ever written; `changes / log_items` is the average size of an item.
    pub log_items: u64,
    /// Live records per table.
    pub live: BTreeMap<String, u64>,
    /// The last clock reading of each device; the latest [`DEVICE_CLOCKS_MAX`] are kept.
    pub clocks: BTreeMap<DeviceId, ClockReading>,
}

/// A device's clock compared with the server's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClockReading {
    /// Milliseconds the device's clock is ahead of the server's; negative if it is behind.
    pub skew_millis: i64,
    /// The server's time of the reading.
    pub at: Timestamp,
}

impl Head {
    /// Stores a reading; drops the oldest ones over the limits.
    pub fn note_clock(&mut self, device: &DeviceId, reading: ClockReading) {
        self.clocks.insert(device.clone(), reading);
        let too_many = |clocks: &BTreeMap<DeviceId, ClockReading>| {
            let bytes: usize = clocks.keys().map(|device| device.as_str().len()).sum();
            clocks.len() > DEVICE_CLOCKS_MAX || bytes > DEVICE_CLOCKS_BYTES_MAX
        };
        while too_many(&self.clocks) {
            let oldest =
                self.clocks.iter().min_by_key(|(_, reading)| reading.at).map(|(device, _)| device.clone());
            self.clocks.retain(|device, _| Some(device) != oldest.as_ref());
        }
    }
}

/// What was read. Not isolated by the database: the conditions of the commit check that it still holds.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// The room's HEAD; `None` before the first commit.
    pub head: Option<Head>,
    /// The stored records among those of the batch, tombstones included.
    pub records: BTreeMap<RecordKey, Record>,
    /// The batch's marker, if it was committed before.
    pub marker: Option<Marker>,
}

impl Snapshot {
    /// The room's last stamp; 0 before the first commit.
    pub fn stamp(&self) -> Stamp {
        self.head.as_ref().map_or(Stamp::ZERO, |head| head.stamp)
    }

    /// The version of the stored record `key`, if there is one.
    pub fn version(&self, key: &RecordKey) -> Option<u64> {
        self.records.get(key).map(|record| record.version)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A HEAD with the readings of `devices` devices, taken one after the other.
    fn head(devices: usize, name: impl Fn(usize) -> String) -> Head {
        let mut head = Head::default();
        for i in 0..devices {
            let reading = ClockReading { skew_millis: -5, at: Timestamp(i as u64) };
            head.note_clock(&name(i).parse().unwrap(), reading);
        }
        head
    }

    #[test]
    fn the_oldest_clock_readings_are_dropped_and_long_ids_leave_room_for_fewer() {
        let name = |i: usize| format!("till-{i}");
        let clocks = head(DEVICE_CLOCKS_MAX + 1, name).clocks;
        assert_eq!(clocks.len(), DEVICE_CLOCKS_MAX);
        assert!(!clocks.contains_key(&name(0).parse().unwrap()));
        assert!(clocks.contains_key(&name(DEVICE_CLOCKS_MAX).parse().unwrap()));
        let clocks = head(DEVICE_CLOCKS_MAX, |i| format!("{i:0>128}")).clocks;
        assert_eq!(clocks.len(), DEVICE_CLOCKS_BYTES_MAX / 128);
    }
}
