//! The stream consumer that compacts carts and updates the cache, in case the write could not. Delivery is at
//! least once and in order per cart; compaction is idempotent.

use std::collections::BTreeMap;

use aws_lambda_events::dynamodb::{Event, EventRecord};
use cache::kind::EntryKind;
use protocol::ids::{CartId, Room};
use protocol::timestamp::Timestamp;
use serde_dynamo::AttributeValue;

use super::cart_cache::{content, entry};
use super::keys;
use super::store::CHANGE;
use crate::context::Context;
use crate::context::kind::StreamFunction;
use crate::dynamo::cost::Cost;
use crate::dynamo::error::StoreError;
use crate::http::error::HandlerError;
use crate::stream::sequence_number;

/// Maximum attempts of a compaction that collides with another one of the same cart.
const ATTEMPTS_MAX: usize = 4;
/// Maximum lifetime of a cached cart in seconds.
const CACHED_CART_SECS: u64 = EntryKind::Cart.total_millis_max().div_ceil(1000);

/// Compacts each cart of `event` once; returns the sequence numbers of the records to deliver again.
pub async fn handle(context: &Context, event: &Event, now: Timestamp) -> Result<Vec<String>, HandlerError> {
    let mut carts: BTreeMap<(Room, CartId), Vec<String>> = BTreeMap::new();
    let mut retries = Vec::new();
    for record in &event.records {
        let sequence_number = sequence_number(record);
        match cart(record) {
            Ok(cart) => carts.entry(cart).or_default().push(sequence_number),
            // A retry would fail again and hold up the carts behind it.
            Err(error) => {
                let table = context.carts()?.table();
                let kept =
                    table.keep_skipped(StreamFunction::CartCompact, &CHANGE, record, &error, now).await;
                if let Err(error) = kept {
                    tracing::warn!(error = ?error, "keeping a skipped record failed");
                    retries.push(sequence_number);
                }
            }
        }
    }
    for ((room, id), sequence_numbers) in carts {
        if let Err(error) = compact(context, &room, &id, now).await {
            tracing::warn!(%room, error = ?error, "compacting a cart failed");
            retries.extend(sequence_numbers);
        }
    }
    Ok(retries)
}

async fn compact(context: &Context, room: &Room, id: &CartId, now: Timestamp) -> Result<(), HandlerError> {
    let (store, cache) = (context.carts()?, context.cache()?);
    let mut attempts = 1;
    let compacted = loop {
        match store.compact(room, id, &mut Cost::default()).await {
            Err(StoreError::Lost) if attempts < ATTEMPTS_MAX => attempts += 1,
            other => break other?,
        }
    };
    if let Some(cart) = compacted {
        let updated = cache.put_latest(&entry(cache, room, id), &content(&cart)).await;
        // Later than this, every entry from before the change has expired.
        if now < cart.stamp.time().plus_secs(CACHED_CART_SECS) {
            updated.map_err(HandlerError::fault)?;
        }
    }
    Ok(())
}

/// The cart of a stream record, from its key.
fn cart(record: &EventRecord) -> Result<(Room, CartId), StoreError> {
    match record.change.keys.inner().get("pk") {
        Some(AttributeValue::S(pk)) => keys::cart_of(pk).ok_or(StoreError::Corrupt("pk")),
        _ => Err(StoreError::Corrupt("pk")),
    }
}
