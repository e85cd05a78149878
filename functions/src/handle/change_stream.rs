//! DynamoDB Streams → the rooms: the sure path. At least once and in order per room; rooms drop doubles.

use std::collections::BTreeMap;

use aws_lambda_events::dynamodb::{Event, EventRecord};
use aws_lambda_events::streams::{DynamoDbBatchItemFailure, DynamoDbEventResponse};
use serde_dynamo::AttributeValue;
use shared::micros::Micros;
use shared::protocol::publication::Publication;
use shared::stamp::Stamp;
use shared::sync::log::{self, LogItem};
use shared::tenant::Room;

use crate::app::StreamApp;
use crate::store::error::StoreError;
use crate::store::keys;

/// One record of the stream on its way: its place in the stream, and the commit in it.
type Delivery = (String, Publication);

/// Publishes the commits of `event`; names the records that must come again.
///
/// A record that is not what we write fails too: the event source mapping retries it alone and, in the end,
/// hands it to the failure queue, where somebody can look at it.
pub async fn handle(app: &StreamApp, event: Event, now: Micros) -> DynamoDbEventResponse {
    let mut response = DynamoDbEventResponse::default();
    let mut rooms: BTreeMap<Room, Vec<Delivery>> = BTreeMap::new();
    for record in event.records {
        let place = record.change.sequence_number.clone().unwrap_or_default();
        match commit(&record) {
            Ok((room, publication)) => rooms.entry(room).or_default().push((place, publication)),
            Err(error) => {
                tracing::error!(place, error = ?error, "a stream record is not a log item");
                response.batch_item_failures.push(failure(place));
            }
        }
    }
    for (room, deliveries) in rooms {
        let (places, publications): (Vec<_>, Vec<_>) = deliveries.into_iter().unzip();
        if let Err(error) = app.publisher.publish(publications, now).await {
            tracing::warn!(%room, error = ?error, "a room was not told");
            response.batch_item_failures.extend(places.into_iter().map(failure));
        }
    }
    response
}

fn failure(place: String) -> DynamoDbBatchItemFailure {
    let mut failure = DynamoDbBatchItemFailure::default();
    failure.item_identifier = Some(place);
    failure
}

/// The commit that a stream record holds.
fn commit(record: &EventRecord) -> Result<(Room, Publication), StoreError> {
    let image = record.change.new_image.inner();
    let get = |name: &'static str| image.get(name).ok_or(StoreError::Corrupt(name));
    let text = |name: &'static str| match get(name)? {
        AttributeValue::S(text) => Ok(text.as_str()),
        _ => Err(StoreError::Corrupt(name)),
    };
    let number = |name: &'static str| match get(name)? {
        AttributeValue::N(text) => text.parse().map_err(|_| StoreError::Corrupt(name)),
        _ => Err(StoreError::Corrupt(name)),
    };
    let AttributeValue::B(body) = get("body")? else { return Err(StoreError::Corrupt("body")) };
    let room = keys::room_of_log(text("pk")?).ok_or(StoreError::Corrupt("pk"))?;
    let item = LogItem {
        prev: Stamp(number("prev")?),
        first: Stamp(number("first")?),
        last: Stamp(text("sk")?.parse().map_err(|_| StoreError::Corrupt("sk"))?),
        device: text("device")?.parse().map_err(|_| StoreError::Corrupt("device"))?,
        body: body.clone(),
    };
    let publication = log::publication(&room, &item)?;
    Ok((room, publication))
}
