//! Pull: reading the question, saying what to read for it, and cutting one page out of that.
//!
//! A page comes out of the log as long as the log has what comes next, and out of the records where it has not:
//! then a walk over all of them under one snapshot id, and after it the log from the position noted first.

pub mod head_office;
pub mod log_page;
pub mod plan;
pub mod query;
pub mod walk_page;

use crate::cursor::Cursor;
use crate::cursor::walk::Walk;
use protocol::stamp::Stamp;
use protocol::wire::pull::{CHANGES, ChangeBody, PullResponse, SNAPSHOT};

/// One page of one room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// What it holds.
    pub changes: Vec<ChangeBody>,
    /// Where the room goes on.
    pub next: Next,
    /// Whether there is more already.
    pub has_more: bool,
    /// The snapshot it belongs to, if it is no page of the log.
    pub snapshot_id: Option<String>,
}

/// Where a room goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// In the log.
    Position(Stamp),
    /// In the walk.
    Walk(Walk),
}

impl Page {
    /// The position that the page leads to: in a walk, the one it was noted at.
    pub fn stamp(&self) -> Stamp {
        match &self.next {
            Next::Position(stamp) => *stamp,
            Next::Walk(walk) => walk.noted,
        }
    }

    /// The answer to whoever follows this one room.
    pub fn answer(self) -> PullResponse {
        let cursor = match &self.next {
            Next::Position(stamp) => Cursor::Position(*stamp),
            Next::Walk(walk) => Cursor::Walk(walk.clone()),
        };
        self.answer_at(&cursor)
    }

    /// The answer that goes on at `cursor`.
    fn answer_at(self, cursor: &Cursor) -> PullResponse {
        let mode = if self.snapshot_id.is_some() { SNAPSHOT } else { CHANGES };
        PullResponse {
            has_more: self.has_more,
            next_cursor: cursor.to_string(),
            stamp: self.stamp(),
            mode: mode.to_owned(),
            snapshot_id: self.snapshot_id,
            branch_id: None,
            changes: self.changes,
        }
    }
}

#[cfg(test)]
mod tests;
