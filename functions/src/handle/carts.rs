//! `GET`, `PUT` and `DELETE /api/carts/{id}`: one file, one function each.

mod delete;
mod get;
mod put;

use cache::newest::Newest;
use cache::request::{self, Loaded, Source};
use lambda_http::http::Method;
use lambda_http::{Body, Request, Response};
use protocol::error::{ApiError, ErrorCode};
use protocol::ids::{CartId, Room};
use protocol::json::JsonText;
use protocol::stamp::Stamp;
use protocol::timestamp::Timestamp;
use redis_client::error::RedisError;
use retail::cart::Cart;

use crate::app::CartsApp;
use crate::http::{HandlerError, respond};
use crate::query::Query;
use crate::store::cost::Cost;

/// What the path begins with; the id follows.
const PATH: &str = "/api/carts/";

/// Answers a request made at `now`.
pub async fn handle(app: &CartsApp, request: Request, now: Timestamp) -> Response<Body> {
    let mut cost = Cost::default();
    let result = match *request.method() {
        Method::GET => get::get(app, &request, now, &mut cost).await,
        Method::PUT => put::put(app, &request, now, &mut cost).await,
        Method::DELETE => delete::delete(app, &request, now, &mut cost).await,
        // The edge lets nothing else through, so only somebody who calls the function by itself sees this.
        _ => Err(ApiError::new(ErrorCode::NotFound, "There is nothing at this address.").into()),
    };
    app.cache.flush_if_due().await;
    respond(&request, Some(&cost), result)
}

/// A cart, and where it is.
struct Place {
    room: Room,
    id: CartId,
}

impl Place {
    /// The cart that `request` is about, if the caller may use it.
    fn of(app: &CartsApp, request: &Request, now: Timestamp) -> Result<Place, ApiError> {
        let claims = app.claims(request, now)?;
        let room = claims.room_of(Query::of(request).branch()?.as_ref())?;
        let id = request.uri().path().strip_prefix(PATH).unwrap_or_default().parse()?;
        Ok(Place { room, id })
    }

    /// The cart's copy in the cache.
    fn copy(&self, app: &CartsApp) -> request::Request {
        request::Request::cart(app.cache.keys(), &self.room, self.id.as_str())
    }

    /// The cart as of its last change, or one that is no older than `min`, and where it was found; none, if there never
    /// was one.
    async fn read(
        &self,
        app: &CartsApp,
        min: Stamp,
        cost: &mut Cost,
    ) -> Result<(Option<Cart>, Source), HandlerError> {
        let copy = self.copy(app).min(Some(min.0));
        let cached = app.cache.newest(&copy).await;
        if let Ok(Newest::Found(found)) = cached {
            let text = found.payload().map(std::str::from_utf8).transpose().map_err(HandlerError::fault)?;
            let data = text.map(|text| JsonText::from_text(text.to_owned())).transpose()?;
            return Ok((Some(Cart { stamp: Stamp(found.as_of()), data }), found.source));
        }
        let cart = app.carts.get(&self.room, &self.id, cost).await?;
        match (&cart, cached) {
            (Some(cart), Ok(Newest::Nothing)) => note(app.cache.fill_newest(&copy, &content(cart)).await),
            (Some(cart), Ok(Newest::Older)) => note(app.cache.put_newest(&copy, &content(cart)).await),
            _ => {}
        }
        Ok((cart, Source::Loaded))
    }

    /// Keeps `cart` durably, and then tells the cache; the cart as it was kept.
    async fn write(&self, app: &CartsApp, cart: Cart, cost: &mut Cost) -> Result<Cart, HandlerError> {
        let kept = app.carts.keep(&self.room, &self.id, cart, cost).await?;
        // If that fails, `cart-fold` will do it, which hears of every change.
        note(app.cache.put_newest(&self.copy(app), &content(&kept)).await);
        Ok(kept)
    }
}

fn note<T>(told: Result<T, RedisError>) {
    if let Err(error) = told {
        tracing::warn!(error = ?error, "the cache was not told of a cart");
    }
}

/// A cart as the cache has it.
pub(super) fn content(cart: &Cart) -> Loaded {
    match &cart.data {
        Some(data) => Loaded::some(data.as_str().as_bytes(), cart.stamp.0),
        None => Loaded::none(cart.stamp.0),
    }
}
