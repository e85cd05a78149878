//! Plans what a pull reads, once HEAD is known.

use super::query::{RoomPull, RoomStart};
use super::{Next, Page};
use crate::cursor::Position;
use crate::cursor::walk::Walk;
use crate::limits::LOG_SETTLE_SECS;
use crate::log::LogItem;
use crate::min;
use crate::snapshot::Head;
use crate::table_stamps::TableStamps;
use crate::tables::Tables;
use protocol::error::{ApiError, ErrorCode};
use protocol::stamp::Stamp;
use protocol::timestamp::Timestamp;

/// What to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReadPlan {
    /// Nothing: the caller is at HEAD.
    Nothing,
    /// The log after `position`.
    Log {
        /// The position.
        position: Position,
        /// Expected number of items that fill a page, by their average size; reading more costs capacity for
        /// nothing. One, if the tables asked for have no change after the position.
        items: usize,
    },
    /// All records: a new walk.
    Snapshot,
    /// The records after those an unfinished walk has read.
    Walk(Walk),
}

/// Plans the reads of `pull` in a room at `head`.
pub fn plan(tables: &Tables, head: &Head, pull: &RoomPull) -> Result<ReadPlan, ApiError> {
    min::check(head.stamp, pull.min)?;
    let position = match &pull.start {
        RoomStart::Walk(walk) if walk.skipped.unwrap_or(walk.noted) <= head.stamp => {
            return Ok(ReadPlan::Walk(walk.clone()));
        }
        // Beyond HEAD: the server was restored, and the caller has another history.
        RoomStart::Walk(_) | RoomStart::Reset => return Ok(ReadPlan::Snapshot),
        RoomStart::Position(position) if position.through.unwrap_or(position.stamp) > head.stamp => {
            return Ok(ReadPlan::Snapshot);
        }
        RoomStart::Position(position) => *position,
        // A time in the future counts as HEAD.
        RoomStart::Time(time) => Stamp(time.0).min(head.stamp).into(),
    };
    if position.stamp == head.stamp {
        return Ok(ReadPlan::Nothing);
    }
    if position.stamp >= latest(tables, head, pull, position) {
        return Ok(match pull.start {
            RoomStart::Time(_) => ReadPlan::Nothing,
            // The next item shows whether the position is of this history.
            _ => ReadPlan::Log { position, items: 1 },
        });
    }
    let items = (pull.selection.limit as u64).saturating_mul(head.log_items).div_ceil(head.changes.max(1));
    let items = usize::try_from(items).unwrap_or(pull.selection.limit).clamp(1, pull.selection.limit);
    Ok(ReadPlan::Log { position, items })
}

/// A stamp after which the tables that `pull` asks for have no change. In the tail of a snapshot it is that
/// of HEAD: the log has to show that the tail is complete.
pub(super) fn latest(tables: &Tables, head: &Head, pull: &RoomPull, position: Position) -> Stamp {
    match position.through {
        None => TableStamps::latest(head, &pull.selection, tables),
        Some(_) => head.stamp,
    }
}

/// The page of a caller at HEAD.
pub fn nothing_new(head: &Head) -> Page {
    Page {
        changes: Vec::new(),
        damaged: Vec::new(),
        next: Next::Position(head.stamp.into()),
        has_more: false,
        snapshot_id: None,
    }
}

/// The time up to which every commit is readable in all its parts at `now`; see [`LOG_SETTLE_SECS`].
pub fn settled(now: Timestamp) -> Stamp {
    Stamp(now.0.saturating_sub(LOG_SETTLE_SECS * 1_000_000))
}

/// Begins a walk in a room at `head`; `first` is the first log item after [`settled`], needed if HEAD is
/// later. [`ErrorCode::Unavailable`] if it is not readable yet.
///
/// The log continues from the noted position, so the records must contain everything up to it, although they
/// are read eventually consistent. So the noted position is the end of the last settled commit: what a read
/// may miss comes after it, and the tail brings it.
pub fn begin(head: &Head, first: Option<&LogItem>, now: Timestamp) -> Result<Walk, ApiError> {
    let settled = settled(now);
    let noted = match first {
        _ if head.stamp <= settled => head.stamp,
        Some(item) if item.prev <= settled => item.prev,
        // The missing item is as recent as the commits around it.
        _ => return Err(not_yet()),
    };
    Ok(Walk { noted, started: now, skipped: None, after: None })
}

/// Whether the room still has the commit with `skipped`, a record that a walk left to the log; `item` is the
/// first log item that ends at it or later. Without it the walk is of a history that was lost, and begins
/// again. [`ErrorCode::Unavailable`] if it may not be readable yet.
pub fn has_skipped(skipped: Stamp, item: Option<&LogItem>, now: Timestamp) -> Result<bool, ApiError> {
    let is_there = item.is_some_and(|item| (item.first..=item.last).contains(&skipped));
    if !is_there && skipped > settled(now) { Err(not_yet()) } else { Ok(is_there) }
}

/// A table that this instance does not know: a newer one wrote it, and answers in a moment.
pub(super) fn unknown_table() -> ApiError {
    let message =
        "The server is being renewed, and this part of it does not know all tables yet: pull again.";
    ApiError::new(ErrorCode::Unavailable, message)
}

/// HEAD and log are read one after the other, and DynamoDB promises no consistent view of a transaction.
pub(super) fn not_yet() -> ApiError {
    ApiError::new(ErrorCode::Unavailable, "The last commit cannot be read yet. Nothing is lost: pull again.")
}
