//! `DELETE /api/carts/{id}`: 204, also when there was no such cart.

use lambda_http::Request;
use protocol::timestamp::Timestamp;
use retail::cart::Cart;

use super::Place;
use crate::app::CartsApp;
use crate::http::{Answer, HandlerError};
use crate::store::cost::Cost;

pub(super) async fn delete(
    app: &CartsApp,
    request: &Request,
    now: Timestamp,
    cost: &mut Cost,
) -> Result<Answer, HandlerError> {
    let place = Place::of(app, request, now)?;
    // Whoever removes a cart means the one that is there, also if its stamp is ahead of this clock. Not what the cache
    // says is there: a removal that it had already seen would remove nothing.
    let cart = app.carts.get(&place.room, &place.id, cost).await?;
    if let Some(cart) = cart.filter(|cart| cart.data.is_some()) {
        place.write(app, Cart::removed(now, cart.stamp), cost).await?;
    }
    Ok(Answer::no_content())
}
