//! `GET /api/carts/{id}`

use lambda_http::Request;
use protocol::error::{ApiError, ErrorCode};
use protocol::timestamp::Timestamp;
use protocol::wire::carts::CartResponse;

use super::Place;
use crate::app::CartsApp;
use crate::http::{Answer, HandlerError};
use crate::query::Query;
use crate::store::cost::Cost;

pub(super) async fn get(
    app: &CartsApp,
    request: &Request,
    now: Timestamp,
    cost: &mut Cost,
) -> Result<Answer, HandlerError> {
    let place = Place::of(app, request, now)?;
    let (cart, source) = place.read(app, Query::of(request).min()?, cost).await?;
    let found = cart.and_then(|cart| Some((cart.stamp, cart.data?)));
    let missing = || ApiError::new(ErrorCode::CartNotFound, "This branch has no such cart.");
    let (stamp, data) = found.ok_or_else(missing)?;
    let server_updated_at = stamp.time().to_string();
    let answer = CartResponse { id: place.id, stamp, data, server_updated_at };
    Ok(Answer::json(serde_json::to_string(&answer)?).from_cache(source))
}
