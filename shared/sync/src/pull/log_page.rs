//! One page from the log.

use super::plan::{latest, not_yet, settled, unknown_table};
use super::query::{RoomPull, RoomStart, Selection};
use super::{Next, Page};
use crate::cursor::Position;
use crate::limits::PULL_BYTES_MAX;
use crate::log::{self, Damaged, LogError, LogItem};
use crate::snapshot::Head;
use crate::tables::Tables;
use protocol::error::ApiError;
use protocol::stamp::Stamp;
use protocol::timestamp::Timestamp;
use protocol::wire::publication::Publication;
use protocol::wire::pull::PulledChange;

/// An item of the log, as far as a pull must read it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogPart {
    /// Its changes.
    Changes(Publication),
    /// None of its changes concerns the pull.
    Beside {
        /// The room's stamp before it.
        prev: Stamp,
        /// The stamp of its first change.
        first: Stamp,
        /// The stamp of its last change.
        last: Stamp,
    },
}

/// Cuts a page from `log`, the items after `position` in order; reads no more items than the page needs.
/// `None` if only a snapshot helps: the log lacks the next change, or the position is none of its history.
/// [`unavailable`](protocol::error::ErrorCode::Unavailable) if the next change may not be readable yet, or is
/// of a table that is not in `tables`.
///
/// The page ends at the limit, at 2 MiB of data, at HEAD as read, and where the log ends or an item is
/// missing or damaged. Beyond the last change of the tables that are asked for, it leads to HEAD without
/// reading on, once an item has shown that the position is of this history. A till that follows `next_cursor`
/// until `has_more` is false stands exactly at HEAD.
pub fn page(
    tables: &Tables,
    head: &Head,
    pull: &RoomPull,
    position: Position,
    log: impl Iterator<Item = Result<LogPart, Damaged>>,
    now: Timestamp,
) -> Result<Option<Page>, ApiError> {
    let (at, through) = (position.stamp, position.through);
    let latest = latest(tables, head, pull, position);
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
        let (prev, first) = item.span();
        let passes_by = |stamp: Stamp| prev < stamp && stamp < first;
        if through.is_some_and(passes_by) {
            return Ok(None);
        }
        if passes_by(cut.at) && !(matches!(pull.start, RoomStart::Time(_)) && cut.at == at) {
            // No change has this stamp: the position is from before a restore. Only a time may lie anywhere.
            return Ok((cut.at > at).then(|| cut.page(through)));
        }
        // The item's predecessor is later than our position: items are missing.
        if prev > cut.at {
            missing = prev;
            break;
        }
        match cut.take(&item) {
            Taken::Whole if cut.at >= latest => {
                cut.at = head.stamp;
                break;
            }
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

impl LogPart {
    /// What `pull` needs of `item`. The body is decompressed only if a change may concern the pull.
    pub fn read(tables: &Tables, pull: &RoomPull, item: &LogItem) -> Result<LogPart, LogError> {
        match LogPart::beside(tables, &pull.selection, item) {
            Some(beside) => Ok(beside),
            None => log::publication(tables, &pull.room, item).map(LogPart::Changes),
        }
    }

    /// The part of an item that names its tables, if none of them concerns `selection`.
    pub(super) fn beside(tables: &Tables, selection: &Selection, item: &LogItem) -> Option<LogPart> {
        let &LogItem { prev, first, last, .. } = item;
        let is_beside = !item.tables.as_ref()?.iter().any(|name| selection.concerns(name, tables));
        is_beside.then_some(LogPart::Beside { prev, first, last })
    }

    /// The stamps before it and of its first change.
    fn span(&self) -> (Stamp, Stamp) {
        match self {
            LogPart::Changes(item) => (item.prev, item.first),
            LogPart::Beside { prev, first, .. } => (*prev, *first),
        }
    }
}

impl PageCut<'_> {
    /// Takes the new changes of `item`.
    fn take(&mut self, item: &LogPart) -> Taken {
        let item = match item {
            LogPart::Changes(item) => item,
            LogPart::Beside { last, .. } => {
                self.at = self.at.max((*last).min(self.head.stamp));
                return if *last > self.head.stamp { Taken::Part } else { Taken::Whole };
            }
        };
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
        // The tail of a snapshot goes on until the pull ends, but not before it has met what the walk noted,
        // which a restore may have taken away.
        let next = |through: Stamp| if through > self.at { through } else { self.head.stamp };
        let through = through.map(next).filter(|&through| through > self.at);
        let next = Next::Position(Position { stamp: self.at, through });
        Page { changes: self.changes, damaged: Vec::new(), next, has_more, snapshot_id: None }
    }
}
