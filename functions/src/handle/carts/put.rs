//! `PUT /api/carts/{id}`

use lambda_http::Request;
use protocol::timestamp::Timestamp;
use protocol::wire::carts::PutCartResponse;
use retail::cart::Cart;

use super::Place;
use crate::app::CartsApp;
use crate::http::{Answer, HandlerError};
use crate::store::cost::Cost;

pub(super) async fn put(
    app: &CartsApp,
    request: &Request,
    now: Timestamp,
    cost: &mut Cost,
) -> Result<Answer, HandlerError> {
    let place = Place::of(app, request, now)?;
    let cart = place.write(app, Cart::parse(request.body(), now)?, cost).await?;
    let server_updated_at = cart.stamp.time().to_string();
    let written = PutCartResponse { id: place.id, stamp: cart.stamp, server_updated_at };
    Ok(Answer::json(serde_json::to_string(&written)?))
}
