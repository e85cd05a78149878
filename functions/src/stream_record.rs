//! What the records of DynamoDB's streams hold.

use aws_lambda_events::dynamodb::EventRecord;
use aws_lambda_events::streams::DynamoDbBatchItemFailure;
use protocol::ids::{CartId, Room};
use protocol::stamp::Stamp;
use serde_dynamo::AttributeValue;
use sync::log::LogItem;

use crate::carts;
use crate::store::error::StoreError;
use crate::store::keys;

/// The record's place in the stream.
pub fn place(record: &EventRecord) -> String {
    record.change.sequence_number.clone().unwrap_or_default()
}

/// Says that the record at `place` must come again.
pub fn failure(place: String) -> DynamoDbBatchItemFailure {
    let mut failure = DynamoDbBatchItemFailure::default();
    failure.item_identifier = Some(place);
    failure
}

/// The new log item that `record` tells of, and its room.
pub fn log_item(record: &EventRecord) -> Result<(Room, LogItem), StoreError> {
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
        total: number("total")?,
        device: text("device")?.parse().map_err(|_| StoreError::Corrupt("device"))?,
        body: body.clone(),
    };
    Ok((room, item))
}

/// The cart that `record` tells of: its keys are enough.
pub fn cart(record: &EventRecord) -> Result<(Room, CartId), StoreError> {
    match record.change.keys.inner().get("pk") {
        Some(AttributeValue::S(pk)) => carts::keys::cart_of(pk).ok_or(StoreError::Corrupt("pk")),
        _ => Err(StoreError::Corrupt("pk")),
    }
}
