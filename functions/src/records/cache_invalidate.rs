//! The stream consumer that invalidates cached records. Idempotent, because delivery is at least once.
//!
//! It is a function of its own, so that an unavailable Redis delays no room: only this stream waits, and
//! while it waits, nothing is read from Redis either.

use std::collections::BTreeSet;

use aws_lambda_events::dynamodb::{Event, EventRecord};
use redis_client::keys::{Key, Keys};
use sync::log;

use crate::context::Context;
use crate::http::error::HandlerError;
use crate::stream::sequence_number;
use crate::sync::change_stream::log_item;

/// Invalidates everything that `event` has changed in one command; returns the sequence numbers of the
/// records to deliver again.
pub async fn handle(context: &Context, event: &Event) -> Result<Vec<String>, HandlerError> {
    let cache = context.cache()?;
    let (mut tags, mut retries) = (BTreeSet::new(), Vec::new());
    for record in &event.records {
        let sequence_number = sequence_number(record);
        match changed_tags(cache.keys(), record) {
            Ok(changed) => {
                tags.extend(changed);
                retries.push(sequence_number);
            }
            // A retry would fail again and hold up the records behind it.
            Err(error) => {
                tracing::error!(sequence_number, error = ?error, "a stream record is not a log item");
            }
        }
    }
    let tags: Vec<Key> = tags.into_iter().collect();
    match cache.invalidate(&tags).await {
        Ok(()) => Ok(Vec::new()),
        Err(error) => {
            tracing::warn!(error = ?error, "invalidating the cache failed");
            Ok(retries)
        }
    }
}

/// The tags of a log item's records, their tables and its room.
fn changed_tags(keys: &Keys, record: &EventRecord) -> Result<BTreeSet<Key>, HandlerError> {
    let (room, item) = log_item(record)?;
    let records = log::records(&item).map_err(HandlerError::fault)?;
    let tables = records.iter().map(|key| keys.table_tag(&room, &key.table));
    let each = records.iter().map(|key| keys.record_tag(&room, &key.table, &key.id));
    Ok(each.chain(tables).chain([keys.room_tag(&room)]).collect())
}
