//! `GET`, `PUT` and `DELETE /api/carts/{id}`, the carts table, and the stream consumer that compacts it.

pub mod cart_cache;
pub mod compact;
pub mod keys;
pub mod store;

use protocol::error::{ApiError, ErrorCode};
use protocol::wire::carts::{CartResponse, PutCartResponse};
use retail::cart::Cart;

use crate::context::Context;
use crate::dynamo::cost::Cost;
use crate::http::request::FunctionRequest;
use crate::http::response::{HandlerResponse, HandlerResult};
use cart_cache::RequestedCart;

/// Returns a cart.
pub async fn get(context: &Context, request: &FunctionRequest<'_>, cost: &mut Cost) -> HandlerResult {
    let requested = RequestedCart::of(context, request, cost).await?;
    let (cart, source) = requested.read(request.min()?, cost).await?;
    let found = cart.and_then(|cart| Some((cart.stamp, cart.data?)));
    let missing = || ApiError::new(ErrorCode::CartNotFound, "This branch has no such cart.");
    let (stamp, data) = found.ok_or_else(missing)?;
    let server_updated_at = stamp.time().to_string();
    let response = CartResponse { id: requested.id, stamp, data, server_updated_at };
    Ok(HandlerResponse::json(&response)?.from_cache(source))
}

/// Creates or replaces a cart.
pub async fn put(context: &Context, request: &FunctionRequest<'_>, cost: &mut Cost) -> HandlerResult {
    let requested = RequestedCart::of(context, request, cost).await?;
    let cart = requested.write(Cart::parse(request.body(), request.now)?, cost).await?;
    let server_updated_at = cart.stamp.time().to_string();
    HandlerResponse::json(&PutCartResponse { id: requested.id, stamp: cart.stamp, server_updated_at })
}

/// Removes a cart; 204 even if there is none.
pub async fn delete(context: &Context, request: &FunctionRequest<'_>, cost: &mut Cost) -> HandlerResult {
    let requested = RequestedCart::of(context, request, cost).await?;
    // The removal gets a stamp after the stored cart's, even if that is ahead of this clock. The cache is no
    // source for it: a removal that only the cache has seen must be stored again.
    let cart = requested.store.get(&requested.room, &requested.id, cost).await?;
    if let Some(cart) = cart.filter(|cart| cart.data.is_some()) {
        requested.write(Cart::removed(request.now, cart.stamp), cost).await?;
    }
    Ok(HandlerResponse::no_content())
}
