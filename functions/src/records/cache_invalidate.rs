//! The stream consumer that invalidates cached records. Idempotent, because delivery is at least once.
//!
//! It is a function of its own, so that an unavailable Redis delays no room: only this stream waits, and
//! while it waits, nothing is read from Redis either.

use std::collections::BTreeSet;

use aws_lambda_events::dynamodb::{Event, EventRecord};
use protocol::timestamp::Timestamp;
use redis_client::keys::{Key, Keys};
use sync::log;

use crate::context::Context;
use crate::context::kind::StreamFunction;
use crate::dynamo::error::StoreError;
use crate::http::error::HandlerError;
use crate::stream::sequence_number;
use crate::sync::change_stream::{log_item, skip};

/// Invalidates everything that `event` has changed in one command; returns the sequence numbers of the
/// records to deliver again.
pub async fn handle(context: &Context, event: &Event, now: Timestamp) -> Result<Vec<String>, HandlerError> {
    let (cache, sync) = (context.cache()?, context.sync()?);
    let (mut tags, mut retries, mut all) = (BTreeSet::new(), Vec::new(), Vec::new());
    for record in &event.records {
        let sequence_number = sequence_number(record);
        match changed_tags(cache.keys(), record) {
            Ok(changed) => {
                tags.extend(changed);
                all.push(sequence_number);
            }
            // Which records it changed is not known: their entries live for at most 35 minutes.
            Err(error) => {
                let skipped = skip(&sync.store, StreamFunction::CacheInvalidate, record, error, now).await;
                retries.extend(skipped.is_err().then_some(sequence_number));
            }
        }
    }
    let tags: Vec<Key> = tags.into_iter().collect();
    match cache.invalidate(&tags).await {
        Ok(()) => {}
        Err(error) => {
            tracing::warn!(error = ?error, "invalidating the cache failed");
            retries.extend(all);
        }
    }
    Ok(retries)
}

/// The tags of a log item's records, their tables and its room.
fn changed_tags(keys: &Keys, record: &EventRecord) -> Result<BTreeSet<Key>, StoreError> {
    let (room, item) = log_item(record)?;
    let records = log::records(&item)?;
    let tables = records.iter().map(|key| keys.table_tag(&room, &key.table));
    let each = records.iter().map(|key| keys.record_tag(&room, &key.table, &key.id));
    Ok(each.chain(tables).chain([keys.room_tag(&room)]).collect())
}
