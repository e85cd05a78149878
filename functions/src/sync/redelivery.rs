//! The scheduled function that tells rooms what `change-stream` could not: once a minute, each room that did
//! not answer gets its log from where it stands.

use protocol::timestamp::Timestamp;
use sync::log::{self, LogEntry};
use sync::stats::Feed;

use super::publisher::Publisher;
use super::store::undelivered::BehindRoom;
use crate::context::{Context, SyncContext};
use crate::dynamo::cost::Cost;
use crate::http::error::HandlerError;
use crate::limits::{BEHIND_ROOMS_MAX, PUBLISH_BYTES_MAX, REDELIVERED_ITEMS_MAX};

/// Publishes to each room that is behind; returns how many are up to date again. A room that fails stays
/// noted, and delays the others by the publisher's bound.
pub async fn handle(context: &Context, now: Timestamp) -> Result<usize, HandlerError> {
    let (sync, publisher) = (context.sync()?, context.publisher()?);
    let mut done = 0;
    for behind in sync.store.behind(BEHIND_ROOMS_MAX).await? {
        match redeliver(sync, publisher, &behind, now).await {
            Ok(is_done) => done += usize::from(is_done),
            Err(error) => {
                tracing::warn!(room = %behind.room, error = ?error, "a room is still behind");
            }
        }
    }
    Ok(done)
}

/// Publishes the log of a room from where it stands; returns whether that was all of it.
async fn redeliver(
    sync: &SyncContext,
    publisher: &Publisher,
    behind: &BehindRoom,
    now: Timestamp,
) -> Result<bool, HandlerError> {
    let BehindRoom { room, after, .. } = behind;
    let entries = sync.store.log_after(room, *after, REDELIVERED_ITEMS_MAX, &mut Cost::default()).await?;
    let is_rest = entries.len() < REDELIVERED_ITEMS_MAX;
    let (mut publications, mut bytes, mut feed) = (Vec::new(), 0, None);
    let mut entries = entries.into_iter().peekable();
    while let Some(entry) = entries.next() {
        // A damaged item was reported and skipped by `change-stream`; tills pull past it.
        if let LogEntry::Item(item) = entry
            && let Ok(publication) = log::publication(&sync.rules.tables, room, &item)
        {
            bytes += publication.changes.iter().map(|change| change.data.as_str().len()).sum::<usize>();
            publications.push(publication);
            feed = Some(Feed { stamp: item.last, changes: item.total });
        }
        if bytes < PUBLISH_BYTES_MAX && entries.peek().is_some() {
            continue;
        }
        if let Some(feed) = feed.filter(|_| !publications.is_empty()) {
            let publications = std::mem::take(&mut publications);
            publisher.publish(publications, now).await.map_err(HandlerError::fault)?;
            sync.store.delivered(room, feed, &mut Cost::default()).await?;
            sync.store.advance_behind(behind, feed.stamp).await?;
            bytes = 0;
        }
    }
    if is_rest {
        sync.store.forget_behind(behind).await?;
    }
    Ok(is_rest)
}
