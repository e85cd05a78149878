//! A pull of one room.

use protocol::ids::Room;
use protocol::timestamp::Timestamp;
use sync::cursor::walk::Walk;
use sync::log::{self, Damaged, LogEntry};
use sync::pull::plan::{ReadPlan, begin, nothing_new, plan, settled};
use sync::pull::query::RoomPull;
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
    let walk = match plan(head, pull)? {
        ReadPlan::Nothing => return Ok(nothing_new(head)),
        ReadPlan::Log { position, items } => {
            let items = sync.store.log_after(&pull.room, position, items, cost).await?;
            let log = items.into_iter().map(|entry| match entry {
                LogEntry::Damaged(damaged) => Err(damaged),
                LogEntry::Item(item) => {
                    log::publication(&sync.rules.tables, &pull.room, &item).map_err(|error| {
                        sync.store.report_damaged_log(&pull.room, item.last, error);
                        Damaged { last: item.last }
                    })
                }
            });
            match log_page::page(head, pull, position, log, now)? {
                Some(page) => return Ok(page),
                None => start(sync, head, &pull.room, now, cost).await?,
            }
        }
        ReadPlan::Snapshot => start(sync, head, &pull.room, now, cost).await?,
        ReadPlan::Walk(walk) => walk,
    };
    let found = sync.store.records_after(&pull.room, walk.after.as_ref(), pull.window.limit, cost).await?;
    Ok(walk_page::page(head, pull, walk, found))
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
    let first = young.first().and_then(|entry| match entry {
        LogEntry::Item(item) => Some(item),
        LogEntry::Damaged(_) => None,
    });
    Ok(begin(head, first, now)?)
}
