//! DynamoDB Streams → the rooms: the sure path. At least once, mostly in order; rooms drop doubles, tills mend
//! what comes out of order by pulling.

use std::collections::BTreeMap;

use crate::limits::PUBLISH_BYTES_MAX;
use aws_lambda_events::dynamodb::{Event, EventRecord};
use aws_lambda_events::streams::DynamoDbEventResponse;
use protocol::ids::Room;
use protocol::timestamp::Timestamp;
use protocol::wire::publication::Publication;
use sync::log;
use sync::stats::Feed;
use sync::tables::Tables;
use tokio::task::JoinSet;

use crate::app::StreamApp;
use crate::store::cost::Cost;
use crate::store::error::StoreError;
use crate::stream_record::{self, failure, place};

/// One record of the stream on its way.
struct Delivery {
    /// Its place in the stream.
    place: String,
    /// The commit in it.
    publication: Publication,
    /// How far the room was told of its log once it has this.
    feed: Feed,
}

/// Publishes the commits of `event`; names the records that must come again.
///
/// Rooms are told side by side, so that one that does not answer keeps no other waiting. A record that is not
/// what we write fails too: the event source mapping tries it again and, in the end, hands its place to the
/// failure queue, where somebody can look at it.
pub async fn handle(app: &StreamApp, event: Event, now: Timestamp) -> DynamoDbEventResponse {
    let mut response = DynamoDbEventResponse::default();
    let all: Vec<String> =
        event.records.iter().filter_map(|record| record.change.sequence_number.clone()).collect();
    let mut rooms: BTreeMap<Room, Vec<Delivery>> = BTreeMap::new();
    for record in event.records {
        let place = place(&record);
        match delivery(&app.rules.tables, place.clone(), &record) {
            Ok(delivery) => rooms.entry(delivery.publication.room()).or_default().push(delivery),
            Err(error) => {
                tracing::error!(place, error = ?error, "a stream record is not a log item");
                response.batch_item_failures.push(failure(place));
            }
        }
    }
    let mut told: JoinSet<Vec<String>> =
        rooms.into_iter().map(|(room, deliveries)| tell(app.clone(), room, deliveries, now)).collect();
    while let Some(untold) = told.join_next().await {
        // A task that panicked would be a bug; all of the event comes again then.
        let places = untold.unwrap_or_else(|error| {
            tracing::error!(error = ?error, "telling a room failed");
            all.clone()
        });
        response.batch_item_failures.extend(places.into_iter().map(failure));
    }
    response
}

/// Tells a room of its commits, at most [`PUBLISH_BYTES_MAX`] at once, and notes how far it got; the places of
/// those that must come again.
async fn tell(app: StreamApp, room: Room, deliveries: Vec<Delivery>, now: Timestamp) -> Vec<String> {
    let mut untold = Vec::new();
    let mut done: Option<(String, Feed)> = None;
    let mut waiting = deliveries.into_iter().peekable();
    while waiting.peek().is_some() {
        let (mut places, mut publications, mut bytes, mut last) = (Vec::new(), Vec::new(), 0, None);
        while let Some(Delivery { place, publication, feed }) = waiting.next_if(|_| bytes < PUBLISH_BYTES_MAX)
        {
            bytes += publication.changes.iter().map(|change| change.data.as_str().len()).sum::<usize>();
            last = Some((place.clone(), feed));
            places.push(place);
            publications.push(publication);
        }
        if let Err(error) = app.publisher.publish(publications, now).await {
            tracing::warn!(%room, error = ?error, "a room was not told");
            untold = places;
            untold.extend(waiting.map(|delivery| delivery.place));
            break;
        }
        done = last;
    }
    if let Some((place, feed)) = done
        && let Err(error) = app.store.delivered(&room, feed, &mut Cost::default()).await
    {
        // It comes again, so that the room's statistics are right in the end; the room drops the double.
        tracing::warn!(%room, error = ?error, "a delivery was not noted");
        untold.push(place);
    }
    untold
}

/// What a stream record holds.
fn delivery(tables: &Tables, place: String, record: &EventRecord) -> Result<Delivery, StoreError> {
    let (room, item) = stream_record::log_item(record)?;
    let feed = Feed { stamp: item.last, changes: item.total };
    Ok(Delivery { place, publication: log::publication(tables, &room, &item)?, feed })
}
