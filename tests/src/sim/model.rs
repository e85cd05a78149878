//! What should come of a push: the rules of DESIGN.md once more, written from the text alone and as plainly as
//! possible. Nothing here calls the product's policies or its `decide`; where the two disagree, one of them is wrong.
//!
//! The model is sequential: it is fed with pushes in the order in which they were committed, and with the time that the
//! function had when it decided.

pub mod batch;
pub mod member;
pub mod merge;
pub mod number;
pub mod record;
pub mod rules;
pub mod write;

use std::collections::BTreeMap;

use protocol::ids::Room;
use protocol::timestamp::Timestamp;

pub use member::{Members, delta, read as members, same};
pub use rules::{Field, Rule, rule};

/// A table and an id.
pub type Key = (String, String);

/// A record as it should be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Row {
    /// Its members, each as JSON text; none for the tombstone of something never seen.
    pub data: Option<Members>,
    /// Its version.
    pub version: u64,
    /// The place of its last change.
    pub stamp: u64,
    /// When it was written, as far as that is believed.
    pub modified_at: u64,
    /// Who wrote it.
    pub device: String,
    /// Whether it is a tombstone.
    pub deleted: bool,
    /// The version that last changed each member; a member that is not here was there from the beginning.
    pub changed: BTreeMap<String, u64>,
    /// The version that made the record.
    pub made: u64,
}

/// What should be answered for one record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    /// It is applied.
    Applied {
        /// The version it became.
        version: u64,
        /// The change's place.
        stamp: u64,
        /// What is to be said of it.
        flags: Vec<&'static str>,
    },
    /// The server's copy stays, or has what could be merged.
    Conflict {
        /// Why.
        reason: &'static str,
        /// The version that the server has now; 0 if it has none.
        version: u64,
    },
    /// It cannot be taken.
    Rejected(&'static str),
}

/// What should come of a push.
#[derive(Clone, Debug, Default)]
pub struct Prediction {
    /// One for each record.
    pub told: Vec<Told>,
    /// The room's last stamp before.
    pub prev: u64,
    /// The room's last stamp after.
    pub stamp: u64,
    /// Whether it was all or nothing, and is nothing.
    pub undone: bool,
    /// The last version that it gave each record that it wrote.
    pub made: BTreeMap<Key, u64>,
}

/// A room as it should be.
#[derive(Clone, Debug, Default)]
pub struct RoomState {
    /// The last stamp.
    pub head: u64,
    /// How many changes there were.
    pub changes: u64,
    /// The records, tombstones included.
    pub rows: BTreeMap<Key, Row>,
    /// How many records were rejected of each batch, which must be among the dead letters. A batch that is committed
    /// again at the same place by the same call, because its first commit was not heard of, is kept once.
    pub letters: BTreeMap<(u64, u64, String), usize>,
    /// What was answered to each device's named batches.
    pub answered: BTreeMap<(String, String), Prediction>,
}

/// All rooms as they should be.
#[derive(Clone, Debug, Default)]
pub struct Model {
    /// By client and branch.
    pub rooms: BTreeMap<Room, RoomState>,
}

/// Who pushes what, when.
#[derive(Clone, Debug)]
pub struct Pushed<'a> {
    /// Where.
    pub room: &'a Room,
    /// The role in the token.
    pub role: protocol::role::Role,
    /// The body.
    pub body: &'a str,
    /// The function's time.
    pub now: Timestamp,
}

impl Model {
    /// Applies a push; none if its body is no push at all.
    pub fn push(&mut self, pushed: &Pushed<'_>) -> Option<Prediction> {
        let room = self.rooms.entry(pushed.room.clone()).or_default();
        batch::push(room, pushed)
    }

    /// A tombstone has expired and is gone.
    pub fn purge(&mut self, room: &Room, key: &Key) {
        if let Some(room) = self.rooms.get_mut(room) {
            room.rows.remove(key);
        }
    }
}
