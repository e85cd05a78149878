//! Batches of records from DynamoDB Streams, which come at least once, and in order per item.

use aws_lambda_events::dynamodb::{Event, EventRecord};
use aws_lambda_events::streams::{DynamoDbBatchItemFailure, DynamoDbEventResponse};
use protocol::timestamp::Timestamp;

use crate::context::Context;
use crate::context::kind::StreamFunction;
use crate::http::error::HandlerError;
use crate::{carts, records, sync};

/// Hands `event` to the consumer of `function`; the response names the records to deliver again. An error
/// means the whole batch.
pub async fn handle(
    context: &Context,
    function: StreamFunction,
    event: Event,
    now: Timestamp,
) -> Result<DynamoDbEventResponse, HandlerError> {
    let retries = match function {
        StreamFunction::ChangeStream => sync::change_stream::handle(context, event, now).await?,
        StreamFunction::CacheInvalidate => records::cache_invalidate::handle(context, &event, now).await?,
        StreamFunction::CartCompact => carts::compact::handle(context, &event, now).await?,
    };
    if let Ok(sync) = context.sync() {
        sync.store.note_damage(now).await;
    }
    let mut response = DynamoDbEventResponse::default();
    response.batch_item_failures = retries.into_iter().map(failure).collect();
    Ok(response)
}

/// The record's sequence number in its stream.
pub fn sequence_number(record: &EventRecord) -> String {
    record.change.sequence_number.clone().unwrap_or_default()
}

fn failure(sequence_number: String) -> DynamoDbBatchItemFailure {
    let mut failure = DynamoDbBatchItemFailure::default();
    failure.item_identifier = Some(sequence_number);
    failure
}
