//! `GET /api/sync/stats`: two items, whatever there is in the room.

use lambda_http::{Body, Request, Response};
use shared::micros::Micros;
use shared::sync::stats;

use crate::app::SyncApp;
use crate::http::{Answer, Failed, respond};
use crate::query::Query;
use crate::store::cost::Cost;

/// Answers a request made at `now`.
pub async fn handle(app: &SyncApp, request: Request, now: Micros) -> Response<Body> {
    let mut cost = Cost::default();
    let result = count(app, &request, now, &mut cost).await;
    respond(&request, &cost, result)
}

async fn count(app: &SyncApp, request: &Request, now: Micros, cost: &mut Cost) -> Result<Answer, Failed> {
    let claims = app.claims(request, now)?;
    let room = claims.room_of(Query::of(request).branch()?.as_ref())?;
    let (head, feed) = app.store.head_and_feed(&room, cost).await?;
    let answer = stats::stats(&app.rules.tables, claims.role, &head, feed);
    Ok(Answer::json(serde_json::to_string(&answer)?))
}
