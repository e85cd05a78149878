//! The cart of a request, read and written through the cache.

use cache::request::{Loaded, Request, Source};
use cache::write_behind::Latest;
use protocol::error::ApiError;
use protocol::ids::{CartId, Room};
use protocol::json::JsonText;
use protocol::stamp::Stamp;
use redis_client::error::RedisError;
use retail::cart::Cart;

use super::store::CartStore;
use crate::context::Context;
use crate::dynamo::cost::Cost;
use crate::http::error::HandlerError;
use crate::http::request::FunctionRequest;
use crate::redis::Cache;

/// The cart that a request names.
pub(super) struct RequestedCart<'a> {
    pub(super) id: CartId,
    pub(super) room: Room,
    pub(super) store: &'a CartStore,
    cache: &'a Cache,
}

impl<'a> RequestedCart<'a> {
    /// The cart of the parameter `id`, in a room that the caller may use.
    pub(super) async fn of(
        context: &'a Context,
        request: &FunctionRequest<'_>,
        cost: &mut Cost,
    ) -> Result<RequestedCart<'a>, HandlerError> {
        let (store, cache) = (context.carts()?, context.cache()?);
        let id = request.parameter("id").unwrap_or_default().parse().map_err(ApiError::from)?;
        let room = context.room_of_request(request, cost).await?;
        Ok(RequestedCart { id, room, store, cache })
    }

    /// The cart, no older than `min`, and where it was found; `None` if it never existed.
    pub(super) async fn read(
        &self,
        min: Stamp,
        cost: &mut Cost,
    ) -> Result<(Option<Cart>, Source), HandlerError> {
        let entry = entry(self.cache, &self.room, &self.id).min(Some(min.0));
        let cached = self.cache.latest(&entry).await;
        if let Ok(Latest::Found(found)) = cached {
            let text = found.payload().map(std::str::from_utf8).transpose().map_err(HandlerError::fault)?;
            let data = text.map(|text| JsonText::from_text(text.to_owned())).transpose()?;
            return Ok((Some(Cart { stamp: Stamp(found.as_of()), data }), found.source));
        }
        let cart = self.store.get(&self.room, &self.id, cost).await?;
        match (&cart, cached) {
            (Some(cart), Ok(Latest::Missing)) => {
                log_failure(self.cache.put_if_missing(&entry, &content(cart)).await);
            }
            (Some(cart), Ok(Latest::Older)) => {
                log_failure(self.cache.put_latest(&entry, &content(cart)).await);
            }
            _ => {}
        }
        Ok((cart, Source::Loaded))
    }

    /// Stores `cart` durably, then updates the cache; returns the cart as it was stored.
    pub(super) async fn write(&self, cart: Cart, cost: &mut Cost) -> Result<Cart, HandlerError> {
        let stored = self.store.append(&self.room, &self.id, cart, cost).await?;
        // If this fails, `cart-compact` updates the cache: it consumes every change.
        log_failure(self.cache.put_latest(&entry(self.cache, &self.room, &self.id), &content(&stored)).await);
        Ok(stored)
    }
}

/// The cache entry of a cart.
pub(super) fn entry(cache: &Cache, room: &Room, id: &CartId) -> Request {
    Request::cart(cache.keys(), room, id.as_str())
}

/// The content of a cart's cache entry.
pub(super) fn content(cart: &Cart) -> Loaded {
    match &cart.data {
        Some(data) => Loaded::some(data.as_str().as_bytes(), cart.stamp.0),
        None => Loaded::none(cart.stamp.0),
    }
}

fn log_failure<T>(result: Result<T, RedisError>) {
    if let Err(error) = result {
        tracing::warn!(error = ?error, "updating a cart in the cache failed");
    }
}
