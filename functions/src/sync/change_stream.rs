//! The stream consumer that publishes commits to rooms. Delivery is at least once and mostly in order: rooms
//! drop duplicates, and tills repair gaps by pulling.

use std::collections::BTreeMap;

use aws_lambda_events::dynamodb::{Event, EventRecord};
use protocol::ids::Room;
use protocol::timestamp::Timestamp;
use protocol::wire::publication::Publication;
use sync::log::{self, LogItem};
use sync::stats::Feed;
use sync::tables::Tables;
use tokio::task::JoinSet;

use super::items::to_log;
use super::keys;
use super::publisher::Publisher;
use super::store::Store;
use crate::context::Context;
use crate::dynamo::cost::Cost;
use crate::dynamo::error::StoreError;
use crate::dynamo::item::{Item, as_text, get};
use crate::http::error::HandlerError;
use crate::limits::PUBLISH_BYTES_MAX;
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
/// Rooms are published to concurrently, so that a slow room delays no other. An unreadable record fails too:
/// the event source mapping retries it and finally puts its position on the failure queue.
pub async fn handle(context: &Context, event: Event, now: Timestamp) -> Result<Vec<String>, HandlerError> {
    let (sync, publisher) = (context.sync()?, context.publisher()?);
    let mut retries = Vec::new();
    let all: Vec<String> = event.records.iter().map(sequence_number).collect();
    let mut rooms: BTreeMap<Room, Vec<Delivery>> = BTreeMap::new();
    for record in &event.records {
        match delivery(&sync.rules.tables, record) {
            Ok(delivery) => rooms.entry(delivery.publication.room()).or_default().push(delivery),
            Err(error) => {
                let sequence_number = sequence_number(record);
                tracing::error!(sequence_number, error = ?error, "a stream record is not a log item");
                retries.push(sequence_number);
            }
        }
    }
    let publish = |(room, deliveries)| publish(publisher.clone(), sync.store.clone(), room, deliveries, now);
    let mut publishing: JoinSet<Vec<String>> = rooms.into_iter().map(publish).collect();
    while let Some(failed) = publishing.join_next().await {
        // A panic is a bug. The whole event is delivered again.
        retries.extend(failed.unwrap_or_else(|error| {
            tracing::error!(error = ?error, "publishing to a room panicked");
            all.clone()
        }));
    }
    Ok(retries)
}

/// Publishes the commits of a room, at most [`PUBLISH_BYTES_MAX`] at once, and updates its FEED; returns the
/// sequence numbers of the records to deliver again.
async fn publish(
    publisher: Publisher,
    store: Store,
    room: Room,
    deliveries: Vec<Delivery>,
    now: Timestamp,
) -> Vec<String> {
    let mut retries = Vec::new();
    let mut published: Option<(String, Feed)> = None;
    let mut waiting = deliveries.into_iter().peekable();
    while waiting.peek().is_some() {
        let (mut numbers, mut publications, mut bytes, mut last) = (Vec::new(), Vec::new(), 0, None);
        while let Some(delivery) = waiting.next_if(|_| bytes < PUBLISH_BYTES_MAX) {
            let Delivery { sequence_number, publication, feed } = delivery;
            bytes += publication.changes.iter().map(|change| change.data.as_str().len()).sum::<usize>();
            last = Some((sequence_number.clone(), feed));
            numbers.push(sequence_number);
            publications.push(publication);
        }
        if let Err(error) = publisher.publish(publications, now).await {
            tracing::warn!(%room, error = ?error, "publishing to a room failed");
            retries = numbers;
            retries.extend(waiting.map(|delivery| delivery.sequence_number));
            break;
        }
        published = last;
    }
    if let Some((sequence_number, feed)) = published
        && let Err(error) = store.delivered(&room, feed, &mut Cost::default()).await
    {
        // The record is delivered again so that FEED catches up; the room drops the duplicate.
        tracing::warn!(%room, error = ?error, "updating FEED failed");
        retries.push(sequence_number);
    }
    retries
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
