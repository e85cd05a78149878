//! What a pull has to read, once HEAD is known.

use super::query::{RoomPull, Since};
use super::{Next, Page};
use crate::cursor::walk::Walk;
use crate::limits::LOG_SETTLE_SECS;
use crate::log::LogItem;
use crate::snapshot::Head;
use protocol::error::{ApiError, ErrorCode};
use protocol::stamp::Stamp;
use protocol::timestamp::Timestamp;

/// What to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Read {
    /// Nothing: the position is HEAD's.
    Nothing,
    /// The log after `position`.
    Log {
        /// The position.
        position: Stamp,
        /// How many items fill a page, if they are like the average one: reading more would be paid for
        /// and thrown away.
        items: usize,
    },
    /// The records, from the first on: a new walk.
    Snapshot,
    /// The records, further on in a walk that has begun.
    Walk(Walk),
}

/// Refuses a `min` that lies beyond `head`, the room's last change: nobody was ever given one.
pub fn reached(head: Stamp, min: Stamp) -> Result<(), ApiError> {
    if min <= head {
        return Ok(());
    }
    let message = "`min` lies beyond the last change: the server was restored. Leave it out, and pull.";
    Err(ApiError::new(ErrorCode::ResetRequired, message))
}

/// What to read for `pull` in its room at `head`.
pub fn plan(head: &Head, pull: &RoomPull) -> Result<Read, ApiError> {
    reached(head.stamp, pull.min)?;
    let position = match &pull.since {
        Since::Walk(walk) if walk.noted <= head.stamp => return Ok(Read::Walk(walk.clone())),
        // Beyond HEAD: the server was restored, and what the caller holds is of another history.
        Since::Walk(_) => return Ok(Read::Snapshot),
        Since::Cursor(position) | Since::Stamp(position) if *position > head.stamp => {
            return Ok(Read::Snapshot);
        }
        Since::Cursor(position) | Since::Stamp(position) => *position,
        // No position beyond HEAD is ever handed out, so a time to come stands at HEAD.
        Since::Time(time) => Stamp(time.0).min(head.stamp),
    };
    if position == head.stamp {
        return Ok(Read::Nothing);
    }
    let items = (pull.window.limit as u64).saturating_mul(head.log_items).div_ceil(head.changes.max(1));
    let items = usize::try_from(items).unwrap_or(pull.window.limit).clamp(1, pull.window.limit);
    Ok(Read::Log { position, items })
}

/// The page when there is nothing new.
pub fn nothing_new(head: &Head) -> Page {
    Page { changes: Vec::new(), next: Next::Position(head.stamp), has_more: false, snapshot_id: None }
}

/// The time up to which every commit can be read in all its parts at `now`, whatever the clocks of the functions that
/// wrote them and of this one.
pub fn settled(now: Timestamp) -> Stamp {
    Stamp(now.0.saturating_sub(LOG_SETTLE_SECS * 1_000_000))
}

/// Begins a walk in a room at `head`; `first` is the first log item after [`settled`], if HEAD is.
///
/// The tail begins at the noted position, so everything up to it must be in the records already. Of the last commits
/// a reader may see HEAD and not yet the records: the position noted is the end of the last commit that has settled.
pub fn begin(head: &Head, first: Option<&LogItem>, now: Timestamp) -> Result<Walk, ApiError> {
    let settled = settled(now);
    let noted = match first {
        _ if head.stamp <= settled => head.stamp,
        Some(item) if item.prev <= settled => item.prev,
        // An item that is missing here is as young as the commits it lies between.
        _ => return Err(not_yet()),
    };
    Ok(Walk { noted, started: now, after: None })
}

/// HEAD and log are read one after the other, and DynamoDB promises no common view of a transaction.
pub(super) fn not_yet() -> ApiError {
    ApiError::new(ErrorCode::Unavailable, "The last commit cannot be read yet. Nothing is lost: pull again.")
}
