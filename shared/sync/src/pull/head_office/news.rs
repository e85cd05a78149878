//! Which branches have news, as far as their HEADs and the stream's notes tell.

use std::cmp::Ordering;

use super::BranchRotation;
use crate::cursor::Position;
use crate::cursor::vector::{BranchPosition, Tag};
use crate::pull::query::RoomStart;

impl BranchRotation {
    pub(super) fn is_unread(&self, tag: Tag) -> bool {
        !self.passed.contains(&tag) && self.branches.get(&tag).is_some_and(|branch| branch.head.is_none())
    }

    pub(super) fn start_of(&self, tag: Tag) -> RoomStart {
        let through = self.vector.tail.filter(|(of, _)| *of == tag).map(|(_, through)| through);
        match self.vector.positions.get(&tag) {
            None => RoomStart::Position(Position::default()),
            Some(BranchPosition::Position(stamp)) => RoomStart::Position(Position { stamp: *stamp, through }),
            Some(BranchPosition::Time(time)) => RoomStart::Time(*time),
            Some(BranchPosition::Reset) => RoomStart::Reset,
        }
    }

    /// Whether a branch, whose HEAD was read, has new changes that can be read. A position beyond HEAD counts
    /// too: the server was restored.
    pub(super) fn is_behind(&self, tag: Tag) -> bool {
        let head = self.branches.get(&tag).and_then(|branch| branch.head.as_ref());
        let Some(head) = head.filter(|_| !self.passed.contains(&tag)) else { return false };
        match self.start_of(tag) {
            RoomStart::Time(time) => time < head.stamp.time(),
            RoomStart::Position(position) => position.stamp != head.stamp || position.through.is_some(),
            RoomStart::Walk(_) | RoomStart::Reset => true,
        }
    }

    /// Whether only HEAD tells if a branch has news: its position is not the noted stamp.
    pub(super) fn may_have_news(&self, tag: Tag) -> bool {
        self.noted(tag) != Some(Ordering::Equal)
    }

    /// Whether a branch has news, as far as this pull knows. A note before the position is usually late.
    pub(super) fn has_news(&self, tag: Tag) -> bool {
        if self.is_unread(tag) {
            self.noted(tag) != Some(Ordering::Less) && self.may_have_news(tag)
        } else {
            self.is_behind(tag)
        }
    }

    /// The noted stamp of a branch, compared with the position; `None` if one of them is not known.
    pub(super) fn noted(&self, tag: Tag) -> Option<Ordering> {
        let noted = self.branches.get(&tag)?.noted?;
        match self.start_of(tag) {
            RoomStart::Position(Position { stamp, through: None }) => Some(noted.cmp(&stamp)),
            _ => None,
        }
    }
}
