//! The stream consumer that publishes commits to rooms. Delivery is at least once and mostly in order: rooms
//! drop duplicates, and tills repair gaps by pulling.

use std::collections::BTreeMap;
use std::time::Duration;

use aws_lambda_events::dynamodb::{Event, EventRecord};
use protocol::ids::Room;
use protocol::stamp::Stamp;
use protocol::timestamp::Timestamp;
use protocol::wire::publication::Publication;
use sync::log::{self, LogItem};
use sync::stats::Feed;
use sync::tables::Tables;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::items::{LOG, to_log};
use super::keys;
use super::publisher::{Publisher, next_call};
use super::store::Store;
use crate::context::Context;
use crate::context::kind::StreamFunction;
use crate::dynamo::cost::Cost;
use crate::dynamo::error::StoreError;
use crate::dynamo::item::{Item, as_text, get};
use crate::dynamo::skipped::stored_key;
use crate::http::error::HandlerError;
use crate::limits::ROOM_PUBLISH_SECS;
use crate::stream::sequence_number;

/// One stream record to publish.
struct Delivery {
    /// Its sequence number in the stream.
    sequence_number: String,
    /// Its commit.
    publication: Publication,
    /// The FEED of its room once it is published.
    feed: Feed,
}

/// Publishes the commits of `event` and returns the sequence numbers of the records to deliver again.
///
/// Rooms are published to concurrently, each within a bound, so that a room that does not answer holds up no
/// other: it is noted, left alone for a while, and told later by `change-redelivery`. A damaged record is
/// skipped. Only where even that cannot be noted, or where a newer release wrote the record, is it delivered
/// again.
pub async fn handle(context: &Context, event: Event, now: Timestamp) -> Result<Vec<String>, HandlerError> {
    let (sync, publisher) = (context.sync()?, context.publisher()?);
    let mut retries = Vec::new();
    let all: Vec<String> = event.records.iter().map(sequence_number).collect();
    let mut rooms: BTreeMap<Room, Vec<Delivery>> = BTreeMap::new();
    for record in &event.records {
        match delivery(&sync.rules.tables, record) {
            Ok(delivery) => rooms.entry(delivery.publication.room()).or_default().push(delivery),
            Err(error) => {
                let skipped = skip(&sync.store, StreamFunction::ChangeStream, record, error, now).await;
                retries.extend(skipped.is_err().then(|| sequence_number(record)));
            }
        }
    }
    let publish = |(room, deliveries)| publish(publisher.clone(), sync.store.clone(), room, deliveries, now);
    let mut publishing: JoinSet<Vec<String>> = rooms.into_iter().map(publish).collect();
    let note = |(room, stamp)| note(sync.store.clone(), room, stamp);
    let mut noting: JoinSet<()> = latest(&event).into_iter().map(note).collect();
    while let Some(failed) = publishing.join_next().await {
        // A panic is a bug. The whole event is delivered again.
        retries.extend(failed.unwrap_or_else(|error| {
            tracing::error!(error = ?error, "publishing to a room panicked");
            all.clone()
        }));
    }
    while noting.join_next().await.is_some() {}
    Ok(retries)
}

/// The latest stamp of each room in `event`, by the keys of its records alone, so that damage does not hide a
/// commit.
fn latest(event: &Event) -> BTreeMap<Room, Stamp> {
    let mut latest = BTreeMap::new();
    for record in &event.records {
        let key = stored_key(record);
        let part = |name: &str| key.get(name).and_then(as_text);
        let room = part("pk").and_then(|pk| keys::room_of_log(pk));
        if let Some((room, stamp)) = room.zip(part("sk").and_then(|sk| keys::stamp_of_log(sk))) {
            let known = latest.entry(room).or_insert(stamp);
            *known = stamp.max(*known);
        }
    }
    latest
}

/// Notes a commit for the pulls of head office. Without the note they find it later, so a failure is not
/// worth a retry: a busy list of branches would hold up the shard, and with it other tenants.
async fn note(store: Store, room: Room, stamp: Stamp) {
    if let Err(error) = store.note_commit(&room, stamp).await {
        tracing::warn!(%room, error = ?error, "noting a commit for head office failed");
    }
}

/// Skips a log item that is damaged: it is reported and kept aside. An error means that it must be delivered
/// again.
pub async fn skip(
    store: &Store,
    function: StreamFunction,
    record: &EventRecord,
    error: StoreError,
    now: Timestamp,
) -> Result<(), StoreError> {
    if !error.is_damage() {
        tracing::warn!(function = function.name(), error = ?error, "a stream record is left to a retry");
        return Err(error);
    }
    store.report_damage(&LOG, &stored_key(record), &error);
    let kept = store.table().keep_skipped(function, &LOG, record, &error, now).await;
    kept.inspect_err(|error| tracing::warn!(error = ?error, "keeping a skipped record failed"))
}

/// Publishes the commits of a room in calls of a bounded size, and updates its FEED; returns the sequence
/// numbers of the records to deliver again.
async fn publish(
    publisher: Publisher,
    store: Store,
    room: Room,
    deliveries: Vec<Delivery>,
    now: Timestamp,
) -> Vec<String> {
    let numbers: Vec<String> = deliveries.iter().map(|delivery| delivery.sequence_number.clone()).collect();
    let Some(mut after) = deliveries.first().map(|delivery| delivery.publication.prev) else {
        return numbers;
    };
    let mut feed = None;
    let mut waiting = deliveries.into_iter().map(|delivery| (delivery.publication, delivery.feed)).peekable();
    let mut told = Ok(());
    let deadline = Instant::now() + Duration::from_secs(ROOM_PUBLISH_SECS);
    while told.is_ok()
        && let Some((publications, last)) = next_call(&mut waiting)
    {
        told = publisher.publish_within(deadline, &room, publications, now).await;
        if told.is_ok() {
            feed = Some(last);
            after = last.stamp;
        }
    }
    let noted = match &told {
        Ok(()) => Ok(()),
        Err(error) => {
            tracing::warn!(%room, error = ?error, "publishing to a room failed; it is told later");
            store.note_behind(&room, after, now).await
        }
    };
    let delivered = match feed {
        Some(feed) => store.delivered(&room, feed, &mut Cost::default()).await,
        None => Ok(()),
    };
    match noted.and(delivered) {
        Ok(()) => Vec::new(),
        // All of them are delivered again, so that nothing is forgotten; the room drops duplicates.
        Err(error) => {
            tracing::warn!(%room, error = ?error, "noting how far a room was told failed");
            numbers
        }
    }
}

fn delivery(tables: &Tables, record: &EventRecord) -> Result<Delivery, StoreError> {
    let (room, item) = log_item(record)?;
    let feed = Feed { stamp: item.last, changes: item.total };
    let publication = log::publication(tables, &room, &item)?;
    Ok(Delivery { sequence_number: sequence_number(record), publication, feed })
}

/// The new log item in a stream record, and its room.
pub fn log_item(record: &EventRecord) -> Result<(Room, LogItem), StoreError> {
    let image = record.change.new_image.clone().into_inner();
    let image: Item = image.into_iter().map(|(name, value)| (name, value.into())).collect();
    let room = keys::room_of_log(get(&image, "pk", as_text)?).ok_or(StoreError::Corrupt("pk"))?;
    Ok((room, to_log(&image)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_commit_of_each_room_is_known_by_the_keys_of_its_records() {
        let record = |pk: &str, last: &str| {
            let keys = serde_json::json!({ "pk": { "S": pk }, "sk": { "S": last } });
            serde_json::json!({ "awsRegion": "local", "eventID": "1", "eventName": "INSERT", "eventSource": "aws:dynamodb",
                "dynamodb": { "Keys": keys, "SequenceNumber": "1", "SizeBytes": 1 } })
        };
        let (later, earlier) = ("0000000000000009", "0000000000000008");
        let records = [
            record("LOG#1#2", later),
            record("LOG#1#2", earlier),
            record("LOG#1#3", earlier),
            record("LOG#1", later),
            record("LOG#1#4", "HEAD"),
        ];
        let event = serde_json::from_value(serde_json::json!({ "Records": records })).unwrap();
        let room = |text: &str| text.parse().unwrap();
        assert_eq!(latest(&event), [(room("1:2"), Stamp(9)), (room("1:3"), Stamp(8))].into());
    }
}
