//! The scheduled function that tells rooms what `change-stream` could not: once a minute, each room that did
//! not answer gets its log from where it stands.

use std::time::Duration;

use protocol::timestamp::Timestamp;
use sync::log::{self, LogEntry};
use sync::stats::Feed;
use tokio::time::{Instant, timeout_at};

use super::publisher::{Publisher, next_call};
use super::store::undelivered::BehindRoom;
use crate::context::{Context, SyncContext};
use crate::dynamo::cost::Cost;
use crate::http::error::HandlerError;
use crate::limits::{BEHIND_ROOMS_MAX, REDELIVERED_ITEMS_MAX, ROOM_PUBLISH_SECS};

/// Publishes to rooms that are behind; returns how many are up to date again. A room that fails stays noted,
/// and delays the others by [`ROOM_PUBLISH_SECS`] at most.
pub async fn handle(context: &Context, now: Timestamp) -> Result<usize, HandlerError> {
    let (sync, publisher) = (context.sync()?, context.publisher()?);
    let mut rooms = sync.store.behind().await?;
    // Each run begins at other rooms, so that those that keep failing hide none.
    let run = usize::try_from(now.as_secs() / 60).unwrap_or_default();
    let first = run.wrapping_mul(BEHIND_ROOMS_MAX).checked_rem(rooms.len()).unwrap_or_default();
    rooms.rotate_left(first);
    let mut done = 0;
    for behind in rooms.iter().take(BEHIND_ROOMS_MAX) {
        match redeliver(sync, publisher, behind, now).await {
            Ok(is_done) => done += usize::from(is_done),
            Err(error) => {
                tracing::warn!(room = %behind.room, error = ?error, "a room is still behind");
            }
        }
    }
    Ok(done)
}

/// Publishes the log of a room from where it stands, for [`ROOM_PUBLISH_SECS`] at most; returns whether that
/// was all of it.
async fn redeliver(
    sync: &SyncContext,
    publisher: &Publisher,
    behind: &BehindRoom,
    now: Timestamp,
) -> Result<bool, HandlerError> {
    let deadline = Instant::now() + Duration::from_secs(ROOM_PUBLISH_SECS);
    let mut after = behind.after;
    while Instant::now() < deadline {
        let (room, cost) = (&behind.room, &mut Cost::default());
        // A page may be short because of its bytes, so only an empty one is the end.
        let entries = sync.store.log_after(room, after, REDELIVERED_ITEMS_MAX, cost).await?;
        let Some(end) = entries.last().map(LogEntry::last) else {
            sync.store.forget_behind(behind).await?;
            return Ok(true);
        };
        publish_page(sync, publisher, behind, entries, (deadline, now)).await?;
        after = end;
        // Also past damaged items, which `change-stream` has reported; tills pull past them.
        sync.store.advance_behind(behind, after).await?;
    }
    Ok(false)
}

/// Publishes the readable items among `entries`, in calls of a bounded size.
async fn publish_page(
    sync: &SyncContext,
    publisher: &Publisher,
    behind: &BehindRoom,
    entries: Vec<LogEntry>,
    (deadline, now): (Instant, Timestamp),
) -> Result<(), HandlerError> {
    let room = &behind.room;
    let read = |entry| match entry {
        LogEntry::Item(item) => {
            let publication = log::publication(&sync.rules.tables, room, &item).ok()?;
            Some((publication, Feed { stamp: item.last, changes: item.total }))
        }
        LogEntry::Damaged(_) => None,
    };
    let mut items = entries.into_iter().filter_map(read).peekable();
    while let Some((publications, told)) = next_call(&mut items) {
        let publishing = timeout_at(deadline, publisher.publish(publications, now));
        publishing.await.map_err(HandlerError::fault)?.map_err(HandlerError::fault)?;
        sync.store.delivered(room, told, &mut Cost::default()).await?;
        sync.store.advance_behind(behind, told.stamp).await?;
    }
    Ok(())
}
