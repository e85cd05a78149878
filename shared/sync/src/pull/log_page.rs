//! One page from the log.

use super::plan::{not_yet, settled, unknown_table};
use super::query::{RoomPull, RoomStart, Selection};
use super::{Next, Page};
use crate::cursor::Position;
use crate::limits::PULL_BYTES_MAX;
use crate::log::Damaged;
use crate::snapshot::Head;
use crate::tables::Tables;
use protocol::error::ApiError;
use protocol::stamp::Stamp;
use protocol::timestamp::Timestamp;
use protocol::wire::publication::Publication;
use protocol::wire::pull::PulledChange;

/// Cuts a page from `log`, the items after `position` in order; reads no more items than the page needs.
/// `None` if only a snapshot helps: the log lacks the next change, or the position is none of its history.
/// [`unavailable`](protocol::error::ErrorCode::Unavailable) if the next change may not be readable yet, or is
/// of a table that is not in `tables`.
///
/// The page ends at the limit, at 2 MiB of data, at HEAD as read, and where the log ends or an item is
/// missing or damaged. A till that follows `next_cursor` until `has_more` is false stands exactly at HEAD.
pub fn page(
    tables: &Tables,
    head: &Head,
    pull: &RoomPull,
    position: Position,
    log: impl Iterator<Item = Result<Publication, Damaged>>,
    now: Timestamp,
) -> Result<Option<Page>, ApiError> {
    let (at, through) = (position.stamp, position.through);
    let mut cut = PageCut { tables, head, selection: &pull.selection, at, changes: Vec::new(), bytes: 0 };
    // What is missing if the page stays empty: everything up to HEAD, or up to the first item found.
    let mut missing = head.stamp;
    for item in log {
        let item = match item {
            Ok(item) => item,
            // As if it had expired: once it has settled, a snapshot notes a position at or after its end, so
            // it is met once. Before that, the snapshot's tail would meet it again.
            Err(Damaged { last }) => {
                missing = last;
                break;
            }
        };
        let passes_by = |stamp: Stamp| item.prev < stamp && stamp < item.first;
        if through.is_some_and(passes_by) {
            return Ok(None);
        }
        if passes_by(cut.at) && !(matches!(pull.start, RoomStart::Time(_)) && cut.at == at) {
            // No change has this stamp: the position is from before a restore. Only a time may lie anywhere.
            return Ok((cut.at > at).then(|| cut.page(through)));
        }
        // The item's predecessor is later than our position: items are missing.
        if item.prev > cut.at {
            missing = item.prev;
            break;
        }
        match cut.take(&item) {
            Taken::Whole => {}
            Taken::Part => break,
            Taken::UnknownTable if cut.at > at => break,
            Taken::UnknownTable => return Err(unknown_table()),
        }
    }
    if cut.at > at {
        return Ok(Some(cut.page(through)));
    }
    // The missing items have expired, or are too new to be readable.
    if missing > settled(now) { Err(not_yet()) } else { Ok(None) }
}

struct PageCut<'a> {
    tables: &'a Tables,
    head: &'a Head,
    selection: &'a Selection,
    at: Stamp,
    changes: Vec<PulledChange>,
    bytes: usize,
}

/// How much of an item a page took.
enum Taken {
    Whole,
    /// The page is full.
    Part,
    /// The next change is of an unknown table.
    UnknownTable,
}

impl PageCut<'_> {
    /// Takes the new changes of `item`.
    fn take(&mut self, item: &Publication) -> Taken {
        for (i, change) in item.changes.iter().enumerate() {
            let stamp = item.first.plus(i);
            if stamp <= self.at {
                continue;
            }
            let full = self.changes.len() >= self.selection.limit || self.bytes >= PULL_BYTES_MAX;
            if full || stamp > self.head.stamp {
                return Taken::Part;
            }
            if self.selection.all && !self.tables.contains(&change.table_name) {
                return Taken::UnknownTable;
            }
            self.at = stamp;
            if self.selection.tables.contains(&change.table_name) {
                self.bytes += change.data.as_str().len();
                self.changes.push(PulledChange::published(item, change, stamp));
            }
        }
        Taken::Whole
    }

    fn page(self, through: Option<Stamp>) -> Page {
        let has_more = self.at < self.head.stamp;
        // The tail of a snapshot goes on until the pull ends.
        let through = through.map(|through| through.max(self.head.stamp));
        let through = through.filter(|&through| through > self.at);
        let next = Next::Position(Position { stamp: self.at, through });
        Page { changes: self.changes, damaged: Vec::new(), next, has_more, snapshot_id: None }
    }
}
