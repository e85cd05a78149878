//! Head office's position: one position per branch of its client.

pub(super) mod bytes;

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use super::checkpoint::{Checkpoint, CheckpointId};
use super::walk::Walk;
use crate::limits::{CURSOR_CHANGES_MAX, CURSOR_POSITIONS_MAX};
use protocol::ids::BranchId;
use protocol::stamp::Stamp;
use protocol::timestamp::Timestamp;

const TAG_BYTES: usize = 6;

/// A branch inside a cursor: the first 6 bytes of the SHA-256 of its id, because 200 ids of 64 bytes would
/// not fit a URL.
///
/// Two of 1,000 branches share a tag for about one client in 500 million.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tag([u8; TAG_BYTES]);

impl Tag {
    /// No tag is before it.
    pub const FIRST: Tag = Tag([0; TAG_BYTES]);

    /// The tag of `branch`.
    pub fn of(branch: &BranchId) -> Tag {
        let mut tag = [0; TAG_BYTES];
        tag.iter_mut().zip(Sha256::digest(branch.as_str())).for_each(|(to, from)| *to = from);
        Tag(tag)
    }

    fn as_stamp(self) -> Stamp {
        let [a, b, c, d, e, f] = self.0;
        Stamp(u64::from_be_bytes([0, 0, a, b, c, d, e, f]))
    }

    fn of_stamp(stamp: Stamp) -> Option<Tag> {
        let [0, 0, tag @ ..] = stamp.0.to_be_bytes() else { return None };
        Some(Tag(tag))
    }
}

/// The position of one branch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BranchPosition {
    /// After the change with this stamp.
    Position(Stamp),
    /// At a time that the caller chose; nothing of this branch was returned yet.
    Time(Timestamp),
    /// Only a snapshot continues: the reader's tables have changed, or its snapshot was lost.
    Reset,
}

/// The positions of branches.
pub type Positions = BTreeMap<Tag, BranchPosition>;

/// Where the branches are that a vector does not name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Others {
    /// At the beginning, so new branches join by themselves.
    #[default]
    Beginning,
    /// Where this checkpoint says, or at the beginning.
    Checkpoint(CheckpointId),
    /// Their positions are lost; only a snapshot continues.
    Lost,
}

/// The positions of all branches.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Vector {
    /// The branch of the last page; the next page is of the branch after it.
    pub served: Option<Tag>,
    /// The unfinished snapshot; only one branch has one at a time.
    pub walk: Option<(Tag, Walk)>,
    /// The branch whose snapshot still needs its tail, and the stamp that the tail must pass through.
    pub tail: Option<(Tag, Stamp)>,
    /// The branch whose HEAD was read last to find commits that the stream did not note.
    pub checked: Option<Tag>,
    /// The positions.
    pub positions: Positions,
    /// The positions of all other branches.
    pub others: Others,
}

impl Vector {
    /// Every branch begins again with a snapshot.
    pub fn reset(&mut self) {
        self.reset_unfinished();
        self.positions.values_mut().for_each(|position| *position = BranchPosition::Reset);
        if let Others::Checkpoint(_) = self.others {
            self.others = Others::Lost;
        }
    }

    /// Takes the positions of other branches from `checkpoint`, the one that the cursor names; `None` if it
    /// is lost.
    pub fn resume(&mut self, checkpoint: Option<&Checkpoint>) {
        let Others::Checkpoint(_) = self.others else { return };
        self.others = if checkpoint.is_some() { Others::Beginning } else { Others::Lost };
        for (tag, position) in checkpoint.into_iter().flat_map(|checkpoint| &checkpoint.positions) {
            self.positions.entry(*tag).or_insert(*position);
        }
    }

    /// Gives every one of `branches` a position if those that the vector does not name are lost.
    pub fn settle(&mut self, branches: impl Iterator<Item = Tag>) {
        if self.others == Others::Lost {
            for tag in branches {
                self.positions.entry(tag).or_insert(BranchPosition::Reset);
            }
            self.others = Others::Beginning;
        }
    }

    /// Whether the vector fits a cursor without a checkpoint.
    pub(super) fn is_small(&self) -> bool {
        self.entries() <= CURSOR_POSITIONS_MAX
    }

    /// The difference from `checkpoint`, if it is small enough for a cursor.
    pub(super) fn since(&self, checkpoint: &Checkpoint) -> Option<Vector> {
        let is_new = |(tag, position): &(&Tag, &BranchPosition)| {
            checkpoint.positions.get(*tag).is_none_or(|known| known != *position)
        };
        let positions = self.positions.iter().filter(is_new).map(|(tag, position)| (*tag, *position));
        let others = Others::Checkpoint(checkpoint.id);
        let changes = Vector { positions: positions.collect(), others, ..self.clone() };
        (changes.entries() <= CURSOR_CHANGES_MAX).then_some(changes)
    }

    fn entries(&self) -> usize {
        self.positions.len() + usize::from(self.checked.is_some())
    }

    /// The unfinished snapshot, or its tail, begins again.
    pub fn reset_unfinished(&mut self) {
        let walk = self.walk.take().map(|(tag, _)| tag);
        for tag in walk.into_iter().chain(self.tail.take().map(|(tag, _)| tag)) {
            self.positions.insert(tag, BranchPosition::Reset);
        }
    }
}
