//! DynamoDB Streams → the cache: what was committed is no longer as it was cached. At least once; forgetting twice comes
//! to the same.
//!
//! A function of its own, so that a Redis that does not answer holds up no room: its stream waits alone, and while it
//! waits, nothing is read from Redis either.

use std::collections::BTreeSet;

use aws_lambda_events::dynamodb::Event;
use aws_lambda_events::streams::DynamoDbEventResponse;
use redis_client::keys::Key;
use sync::log;

use crate::app::KeeperApp;
use crate::http::HandlerError;
use crate::stream_record::{failure, log_item, place};

/// Tells the cache of everything that `event` holds, in one command; names the records that must come again.
pub async fn handle(app: &KeeperApp, event: Event) -> DynamoDbEventResponse {
    let mut response = DynamoDbEventResponse::default();
    let (mut tags, mut places) = (BTreeSet::new(), Vec::new());
    for record in &event.records {
        match changed(app, record) {
            Ok(changed) => {
                tags.extend(changed);
                places.push(place(record));
            }
            // It will not be one the next time either, and must not keep others from being told.
            Err(error) => {
                tracing::error!(place = place(record), error = ?error, "a stream record is not a log item");
            }
        }
    }
    let tags: Vec<Key> = tags.into_iter().collect();
    if let Err(error) = app.cache.invalidate(&tags).await {
        tracing::warn!(error = ?error, "the cache was not told of changes");
        response.batch_item_failures.extend(places.into_iter().map(failure));
    }
    response
}

/// The tags of everything that was made from what a log item changed: its records, their tables, and its room.
fn changed(
    app: &KeeperApp,
    record: &aws_lambda_events::dynamodb::EventRecord,
) -> Result<BTreeSet<Key>, HandlerError> {
    let (room, item) = log_item(record)?;
    let keys = app.cache.keys();
    let records = log::records(&item).map_err(HandlerError::fault)?;
    let tables = records.iter().map(|key| keys.table_tag(&room, &key.table));
    let each = records.iter().map(|key| keys.record_tag(&room, &key.table, &key.id));
    Ok(each.chain(tables).chain([keys.room_tag(&room)]).collect())
}
