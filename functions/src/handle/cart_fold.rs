//! DynamoDB Streams → the carts: what has gathered beside a cart is folded into it, and the cache is told of it: for the
//! second time as a rule, and for the first time where it did not answer then. At least once and in order per cart, as
//! the stream is; doing it twice comes to the same.

use std::collections::BTreeMap;

use aws_lambda_events::dynamodb::Event;
use aws_lambda_events::streams::DynamoDbEventResponse;
use cache::kind::Kind;
use cache::request::Request;
use protocol::ids::{CartId, Room};
use protocol::timestamp::Timestamp;

use super::carts::content;
use crate::app::FoldApp;
use crate::http::HandlerError;
use crate::store::cost::Cost;
use crate::store::error::StoreError;
use crate::stream_record::{cart, failure, place};

/// How often a fold that met another one of the same cart looks again.
const ATTEMPTS_MAX: usize = 4;
/// Seconds for which a copy of a cart may live.
const COPY_SECS: u64 = Kind::Cart.gone_millis_max().div_ceil(1000);

/// Folds every cart that `event` tells of, once, however many of its changes are in it; names the records that must
/// come again.
pub async fn handle(app: &FoldApp, event: Event, now: Timestamp) -> DynamoDbEventResponse {
    let mut response = DynamoDbEventResponse::default();
    let mut carts: BTreeMap<(Room, CartId), Vec<String>> = BTreeMap::new();
    for record in &event.records {
        match cart(record) {
            Ok(cart) => carts.entry(cart).or_default().push(place(record)),
            // It would be none the next time either, and hold up the carts behind it.
            Err(error) => {
                tracing::error!(place = place(record), error = ?error, "a stream record is no cart's");
            }
        }
    }
    for ((room, id), places) in carts {
        if let Err(error) = fold(app, &room, &id, now).await {
            tracing::warn!(%room, error = ?error, "a cart was not folded");
            response.batch_item_failures.extend(places.into_iter().map(failure));
        }
    }
    response
}

async fn fold(app: &FoldApp, room: &Room, id: &CartId, now: Timestamp) -> Result<(), HandlerError> {
    let mut attempts = 1;
    let folded = loop {
        match app.carts.fold(room, id, &mut Cost::default()).await {
            Err(StoreError::Lost) if attempts < ATTEMPTS_MAX => attempts += 1,
            other => break other?,
        }
    };
    if let Some(cart) = folded {
        let copy = Request::cart(app.cache.keys(), room, id.as_str());
        let told = app.cache.put_newest(&copy, &content(&cart)).await;
        // Once every copy from before this change is gone, nobody need be told.
        if now < cart.stamp.time().plus_secs(COPY_SECS) {
            told.map_err(HandlerError::fault)?;
        }
    }
    Ok(())
}
