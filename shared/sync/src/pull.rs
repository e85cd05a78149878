//! Pull: parse the query, plan what to read, and cut one page from it.
//!
//! A page comes from the log while the log has the next change. Otherwise the records are walked under one
//! snapshot id, and then the log continues from the position noted before the walk.

pub mod head_office;
pub mod log_page;
pub mod plan;
pub mod query;
pub mod table_ranges;
pub mod walk_page;

use crate::cursor::walk::Walk;
use crate::cursor::{Cursors, Position, position_text};
use protocol::stamp::Stamp;
use protocol::wire::pull::{CHANGES, PullResponse, PulledChange, SNAPSHOT};
use protocol::wire::record::RecordName;
use query::RoomPull;

/// One page of one room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// The changes.
    pub changes: Vec<PulledChange>,
    /// Records of a snapshot that the server has and cannot read.
    pub damaged: Vec<RecordName>,
    /// Where the next page continues.
    pub next: Next,
    /// Whether the next page has changes already.
    pub has_more: bool,
    /// The snapshot that the page belongs to; `None` for a page of the log.
    pub snapshot_id: Option<String>,
}

/// Where a room continues.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// In the log, after this position.
    Position(Position),
    /// In the walk.
    Walk(Walk),
}

impl Page {
    /// The position that the page leads to; in a walk, the noted position.
    pub fn stamp(&self) -> Stamp {
        match &self.next {
            Next::Position(position) => position.stamp,
            Next::Walk(walk) => walk.noted,
        }
    }

    /// The response to `pull`, whose room is the scope of `cursors`.
    pub fn response(self, pull: &RoomPull, cursors: Cursors<'_>) -> PullResponse {
        let cursor = match &self.next {
            Next::Position(position) => position_text(*position, pull.selection.digest),
            Next::Walk(walk) => cursors.walk_text(walk, pull.selection.digest),
        };
        self.response_at(cursor)
    }

    /// The response whose next page continues at `cursor`.
    fn response_at(self, cursor: String) -> PullResponse {
        let mode = if self.snapshot_id.is_some() { SNAPSHOT } else { CHANGES };
        PullResponse {
            has_more: self.has_more,
            next_cursor: cursor,
            stamp: self.stamp(),
            mode: mode.to_owned(),
            snapshot_id: self.snapshot_id,
            history: None,
            branch_id: None,
            changes: self.changes,
            damaged: self.damaged,
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;
