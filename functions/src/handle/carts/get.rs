//! `GET /api/carts/{id}`

use lambda_http::Request;
use shared::error::{Code, Refusal};
use shared::micros::Micros;
use shared::protocol::cart::CartAnswer;

use super::Place;
use crate::app::CartsApp;
use crate::http::{Answer, Failed};
use crate::query::Query;
use crate::store::cost::Cost;

pub(super) async fn get(
    app: &CartsApp,
    request: &Request,
    now: Micros,
    cost: &mut Cost,
) -> Result<Answer, Failed> {
    let place = Place::of(app, request, now)?;
    let (cart, source) = place.read(app, Query::of(request).min()?, cost).await?;
    let found = cart.and_then(|cart| Some((cart.stamp, cart.data?)));
    let missing = || Refusal::new(Code::CartNotFound, "This branch has no such cart.");
    let (stamp, data) = found.ok_or_else(missing)?;
    let server_updated_at = stamp.time().to_string();
    let answer = CartAnswer { id: place.id, stamp, data, server_updated_at };
    Ok(Answer::json(serde_json::to_string(&answer)?).from_cache(source))
}
