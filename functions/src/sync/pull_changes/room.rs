//! A pull of one room.

use protocol::ids::Room;
use protocol::stamp::Stamp;
use protocol::timestamp::Timestamp;
use sync::cursor::walk::Walk;
use sync::log::{Damaged, LogEntry, LogItem};
use sync::pull::log_page::LogPart;
use sync::pull::plan::{ReadPlan, begin, has_skipped, nothing_new, plan, settled};
use sync::pull::query::RoomPull;
use sync::pull::table_ranges::ranges;
use sync::pull::{Page, log_page, walk_page};
use sync::snapshot::Head;

use crate::context::SyncContext;
use crate::dynamo::cost::Cost;
use crate::http::error::HandlerError;

/// The page of `pull` in its room, whose HEAD is `head`: from the log, or from the records if the log no
/// longer reaches back far enough.
pub(super) async fn page(
    sync: &SyncContext,
    head: &Head,
    pull: &RoomPull,
    now: Timestamp,
    cost: &mut Cost,
) -> Result<Page, HandlerError> {
    let tables = &sync.rules.tables;
    let walk = match plan(tables, head, pull)? {
        ReadPlan::Nothing => return Ok(nothing_new(head)),
        ReadPlan::Log { position, items } => {
            let items = sync.store.log_after(&pull.room, position.stamp, items, cost).await?;
            let log = items.into_iter().map(|entry| match entry {
                LogEntry::Damaged(damaged) => Err(damaged),
                LogEntry::Item(item) => LogPart::read(tables, pull, &item).map_err(|error| {
                    sync.store.report_damaged_log(&pull.room, item.last, error);
                    Damaged { last: item.last }
                }),
            });
            match log_page::page(tables, head, pull, position, log, now)? {
                Some(page) => return Ok(page),
                None => start(sync, head, &pull.room, now, cost).await?,
            }
        }
        ReadPlan::Snapshot => start(sync, head, &pull.room, now, cost).await?,
        ReadPlan::Walk(walk) => match walk.skipped {
            Some(skipped) if !is_there(sync, &pull.room, skipped, now, cost).await? => {
                start(sync, head, &pull.room, now, cost).await?
            }
            _ => walk,
        },
    };
    let (after, limit) = (walk.after.as_ref(), pull.selection.limit);
    let ranges = ranges(tables, &pull.selection.tables, after);
    let found = sync.store.records_in(&pull.room, &ranges, after, limit, cost).await?;
    Ok(walk_page::page(tables, head, pull, walk, found)?)
}

/// Whether the room still has the commit with `skipped`, which a walk left to the log.
async fn is_there(
    sync: &SyncContext,
    room: &Room,
    skipped: Stamp,
    now: Timestamp,
    cost: &mut Cost,
) -> Result<bool, HandlerError> {
    let items = sync.store.log_after(room, Stamp(skipped.0.saturating_sub(1)), 1, cost).await?;
    Ok(has_skipped(skipped, items.first().and_then(readable), now)?)
}

/// Begins a walk through the records. In a room with very recent commits, the log tells where the last
/// settled commit ends.
async fn start(
    sync: &SyncContext,
    head: &Head,
    room: &Room,
    now: Timestamp,
    cost: &mut Cost,
) -> Result<Walk, HandlerError> {
    let settled = settled(now);
    let young = match head.stamp > settled {
        true => sync.store.log_after(room, settled, 1, cost).await?,
        false => Vec::new(),
    };
    Ok(begin(head, young.first().and_then(readable), now)?)
}

fn readable(entry: &LogEntry) -> Option<&LogItem> {
    match entry {
        LogEntry::Item(item) => Some(item),
        LogEntry::Damaged(_) => None,
    }
}
