//! The stream consumer that compacts carts and updates the cache, in case the write could not. Delivery is at
//! least once and in no order, since each change is an item of its own; compaction is idempotent and merges
//! changes by their stamps.

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
use crate::dynamo::damage::report;
use crate::dynamo::error::StoreError;
use crate::dynamo::skipped::stored_key;
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
                report(&CHANGE, &stored_key(record), &error);
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

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodb::Client;
    use aws_sdk_dynamodb::config::retry::RetryConfig;
    use aws_sdk_dynamodb::config::{Credentials, Region};
    use serde_json::json;
    use tracing::subscriber::set_default;

    use super::*;
    use crate::dynamo::damage::{self, DAMAGED};
    use crate::start::dynamo_defaults;

    /// The function, of which neither DynamoDB nor Redis answers.
    fn context() -> Context {
        let config = dynamo_defaults().region(Region::new("local")).endpoint_url("http://127.0.0.1:1");
        let config = config.credentials_provider(Credentials::new("id", "secret", None, None, "test"));
        let client = Client::from_conf(config.retry_config(RetryConfig::disabled()).build());
        let lookup = |name: &str| match name {
            "CARTS_TABLE" | "UPSTASH_REDIS_REST_TOKEN" => Some("text".to_owned()),
            "UPSTASH_REDIS_REST_URL" => Some("https://127.0.0.1:1".to_owned()),
            "CACHE_KEYS" => Some("k1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=".to_owned()),
            _ => None,
        };
        Context::new(StreamFunction::CartCompact.into(), lookup, &client).unwrap()
    }

    #[tokio::test]
    async fn a_record_with_a_bad_key_raises_the_alarm_and_is_delivered_again_until_it_is_kept() {
        let keys = json!({ "pk": { "S": "CART#1#2" }, "sk": { "S": "PENDING#0000000000000007" } });
        let record = json!({ "awsRegion": "local", "eventID": "1", "eventName": "INSERT",
            "eventSource": "aws:dynamodb",
            "dynamodb": { "Keys": keys, "SequenceNumber": "7", "SizeBytes": 1 } });
        let event: Event = serde_json::from_value(json!({ "Records": [record] })).unwrap();
        let (subscriber, lines) = damage::tests::log();
        let _log = set_default(subscriber);
        let retries = handle(&context(), &event, Timestamp(1_765_103_400_000_000)).await.unwrap();
        assert_eq!(retries, ["7"], "it could not be kept");
        let text = damage::tests::text(&lines);
        let line = text.lines().find(|line| line.contains(DAMAGED)).expect("the damage is logged");
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!(
            (&line["fields"]["message"], &line["fields"]["kind"]),
            (&DAMAGED.into(), &"cart change".into())
        );
        assert!(!text.contains("CART#1#2"), "{text}");
    }
}
