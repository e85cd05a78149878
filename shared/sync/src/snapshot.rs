//! What a push reads before it is decided.

use std::collections::{BTreeMap, BTreeSet};

use crate::batch_hash::BatchHash;
use crate::decide::{Expected, Plan};
use crate::device_batches::DeviceBatches;
use crate::marker::Marker;
use crate::record::Record;
use crate::shortest_retention::ShortestRetention;
use crate::table_stamps::TableStamps;
use protocol::ids::DeviceId;
use protocol::record::RecordKey;
use protocol::stamp::Stamp;

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
    /// What the room has not forgotten; `None` in a HEAD from before this was stored.
    pub shortest_retention: Option<ShortestRetention>,
    /// When its tables were changed last; `None` in a HEAD from before this was stored.
    pub table_stamps: Option<TableStamps>,
}

/// What was read. Not isolated by the database: the conditions of the commit check that it still holds.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// The room's HEAD; `None` before the first commit.
    pub head: Option<Head>,
    /// The stored records among those of the batch, tombstones included.
    pub records: BTreeMap<RecordKey, Record>,
    /// The stored records among those of the batch that are damaged.
    pub damaged: BTreeSet<RecordKey>,
    /// The numbers of the batches of devices that push numbered ones. A device whose item is damaged is
    /// missing.
    pub devices: BTreeMap<DeviceId, DeviceBatches>,
    /// The batch's marker, if it was committed before.
    pub marker: Option<Marker>,
    /// Whether the batch has a marker that is damaged: it was committed before, with unknown outcomes.
    pub is_marker_damaged: bool,
}

impl Snapshot {
    /// The room's last stamp; 0 before the first commit.
    pub fn stamp(&self) -> Stamp {
        self.head.as_ref().map_or(Stamp::ZERO, |head| head.stamp)
    }

    /// The marker that settles the batch of the hash `hash`; see [`Marker::settles`].
    pub fn settled(&self, hash: &BatchHash, user: Option<&str>) -> Option<&Marker> {
        self.marker.as_ref().filter(|marker| marker.settles(hash, user))
    }

    /// What is stored under `key`.
    pub fn expected(&self, key: &RecordKey) -> Expected {
        match self.version(key) {
            _ if self.damaged.contains(key) => Expected::Damaged,
            Some(version) => Expected::Version(version),
            None => Expected::Absent,
        }
    }

    /// The records and HEAD as the commit of `plan` leaves them.
    pub(crate) fn apply(&mut self, plan: &Plan) {
        self.records.extend(plan.puts.iter().map(|put| (put.key.clone(), put.record.clone())));
        if !plan.changes.is_empty() {
            self.head = Some(plan.head.clone());
        }
    }

    /// The version of the stored record `key`, if there is one.
    pub fn version(&self, key: &RecordKey) -> Option<u64> {
        self.records.get(key).map(|record| record.version)
    }
}
