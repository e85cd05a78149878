//! `GET /api/sync/stats`: two items, whatever there is in the room, by way of the cache.

use cache::request::{self, Loaded};
use lambda_http::{Body, Request, Response};
use protocol::ids::Room;
use protocol::role::Role;
use protocol::stamp::Stamp;
use protocol::timestamp::Timestamp;
use protocol::wire::stats::StatsResponse;
use sync::min;
use sync::stats;

use crate::app::{ReadApp, Reading};
use crate::http::{Answer, HandlerError, respond};
use crate::store::cost::Cost;

/// Answers a request made at `now`.
pub async fn handle(app: &ReadApp, request: Request, now: Timestamp) -> Response<Body> {
    let mut cost = Cost::default();
    let result = count(app, &request, now, &mut cost).await;
    app.cache.flush_if_due().await;
    respond(&request, Some(&cost), result)
}

async fn count(
    app: &ReadApp,
    request: &Request,
    now: Timestamp,
    cost: &mut Cost,
) -> Result<Answer, HandlerError> {
    let Reading { role, room, min } = app.reading(request, now)?;
    let wanted = request::Request::stats(app.cache.keys(), &room).min(Some(min.0));
    let found = app.cache.read(&wanted, async || load(app, &room, min, cost).await).await?;
    // Every room has figures; an empty payload would be somebody else's entry.
    let mut answer: StatsResponse = serde_json::from_slice(found.payload().unwrap_or_default())?;
    answer.tables_stats.retain(|table| app.rules.tables.may_read(&table.table_name, role));
    Ok(Answer::json(serde_json::to_string(&answer)?).from_cache(found.source))
}

/// The figures of all tables: one copy serves every role.
async fn load(app: &ReadApp, room: &Room, min: Stamp, cost: &mut Cost) -> Result<Loaded, HandlerError> {
    let (head, feed) = app.store.head_and_feed(room, cost).await?;
    min::check(head.stamp, min)?;
    let figures = stats::stats(&app.rules.tables, Role::SuperAdmin, &head, feed);
    Ok(Loaded::some(serde_json::to_vec(&figures)?, head.stamp.0))
}
