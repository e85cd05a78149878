//! The state that the model keeps of each room, and what it predicts for a push.

use std::collections::{BTreeMap, BTreeSet};

use protocol::ids::Room;

use crate::batch::{self, Push};
use crate::member::Members;
use crate::numbers::Numbers;

/// A table and a record id.
pub type Key = (String, String);

/// The expected state of a record.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Row {
    /// The members, each as JSON text. `None` for the tombstone of a record that never had data.
    pub data: Option<Members>,
    /// The record's version.
    pub version: u64,
    /// The stamp of its last change.
    pub stamp: u64,
    /// The client's time of the last write, clamped to the server's clock; microseconds.
    pub modified_at: u64,
    /// The device of the last write.
    pub device: String,
    /// Whether it is a tombstone.
    pub deleted: bool,
    /// The version that last changed each member. A member without an entry has not changed since the
    /// creation.
    pub changed: BTreeMap<String, u64>,
    /// The version that created the record.
    pub created: u64,
    /// Who wrote its last versions.
    pub written: Vec<Written>,
}

/// A version of a record, or several in a row, and the batch that wrote it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// The first of them.
    pub(crate) first: u64,
    pub(crate) version: u64,
    pub(crate) stamp: u64,
    pub(crate) device: String,
    /// The number of the batch, if it has one.
    pub(crate) number: Option<u64>,
    /// Whether the version created the record.
    pub(crate) creates: bool,
}

/// The expected result for one record of a push.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExpectedResult {
    /// The write is applied.
    Applied {
        /// The version after the write.
        version: u64,
        /// The stamp of the change.
        stamp: u64,
        /// The flags of the result, sorted.
        flags: Vec<String>,
    },
    /// The server's copy stays, with the part of the write that could be merged.
    Conflict {
        /// The reason of the conflict.
        reason: String,
        /// The server's version after the push; 0 without a record.
        version: u64,
    },
    /// The record is rejected with this code.
    Rejected(String),
}

/// The expected response to a push.
#[derive(Clone, Debug, Default)]
pub struct Prediction {
    /// One result for each record of the push.
    pub results: Vec<ExpectedResult>,
    /// The room's last stamp before the push.
    pub prev: u64,
    /// The room's last stamp after it.
    pub stamp: u64,
    /// Whether the batch is atomic and was rolled back.
    pub rolled_back: bool,
    /// The last version that the push gave each record that it wrote.
    pub versions: BTreeMap<Key, u64>,
    /// What is special about the push.
    pub situations: Vec<&'static str>,
}

/// The expected state of a room.
#[derive(Clone, Debug, Default)]
pub struct RoomState {
    /// The last stamp.
    pub head: u64,
    /// The number of changes so far.
    pub changes: u64,
    /// The first stamp.
    pub first_commit: Option<u64>,
    /// The stamp of the first deletion.
    pub first_tombstone: Option<u64>,
    /// The records, tombstones included.
    pub rows: BTreeMap<Key, Row>,
    /// The records that are stored and cannot be read.
    pub damaged: BTreeSet<Key>,
    /// The number of rejected records of each batch, by first stamp, time and body. One call that commits
    /// twice at the same stamp, because it did not see its first commit, leaves one dead letter.
    pub dead_letters: BTreeMap<(u64, u64, String), usize>,
    /// The numbers of the batches of each device.
    pub numbers: BTreeMap<String, Numbers>,
    /// The response to each batch, by device and batch id.
    pub responses: BTreeMap<(String, String), Prediction>,
}

/// The expected state of all rooms.
#[derive(Clone, Debug, Default)]
pub struct Model {
    /// The rooms.
    pub rooms: BTreeMap<Room, RoomState>,
}

impl Model {
    /// Applies a push. Returns `None` if its body is not a push.
    pub fn push(&mut self, request: &Push<'_>) -> Option<Prediction> {
        batch::push(self.rooms.entry(request.room.clone()).or_default(), request)
    }

    /// Removes a tombstone that has expired.
    pub fn purge(&mut self, room: &Room, key: &Key) {
        if let Some(room) = self.rooms.get_mut(room) {
            room.rows.remove(key);
            room.damaged.remove(key);
        }
    }

    /// Makes a record unreadable.
    pub fn damage(&mut self, room: &Room, key: &Key) {
        if let Some(room) = self.rooms.get_mut(room) {
            room.damaged.insert(key.clone());
        }
    }
}
