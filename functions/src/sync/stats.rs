//! `GET /api/sync/stats`

use cache::request::{Loaded, Request};
use protocol::ids::Room;
use protocol::role::Role;
use protocol::stamp::Stamp;
use protocol::timestamp::Timestamp;
use protocol::wire::health::{DatabaseHealth, PartHealth};
use protocol::wire::stats::StatsResponse;
use sync::min;
use sync::stats;

use crate::context::{Context, SyncContext};
use crate::dynamo::cost::Cost;
use crate::http::error::HandlerError;
use crate::http::request::FunctionRequest;
use crate::http::response::{HandlerResponse, HandlerResult};

/// Returns the figures of a branch, which the store keeps in five items.
pub async fn handle(context: &Context, request: &FunctionRequest<'_>, cost: &mut Cost) -> HandlerResult {
    let (sync, cache) = (context.sync()?, context.cache()?);
    let (min, role) = (request.min()?, request.claims()?.role);
    let room = context.room_of_request(request, cost).await?;
    let entry = Request::stats(cache.keys(), &room).min(Some(min.0));
    let found = cache.read(&entry, async || load(sync, &room, min, request.now, cost).await).await?;
    // Every room has figures: an empty entry is not ours and fails to parse.
    let mut stats: StatsResponse = serde_json::from_slice(found.payload().unwrap_or_default())?;
    stats.tables_stats.retain(|table| sync.rules.tables.may_read(&table.table_name, role));
    if !stats::may_count_dead_letters(role) {
        stats.dead_letter_count = None;
    }
    Ok(HandlerResponse::json(&stats)?.from_cache(found.source))
}

/// Whether the branch of a request that the edge answers itself exists: 204, or the refusal.
pub async fn check_branch(
    context: &Context,
    request: &FunctionRequest<'_>,
    cost: &mut Cost,
) -> HandlerResult {
    context.room_of_request(request, cost).await?;
    Ok(HandlerResponse::no_content())
}

/// Says whether DynamoDB answers, and how fast. That it does not is an answer too.
pub async fn check_health(context: &Context) -> HandlerResult {
    let database = match context.sync()?.store.latency().await {
        Ok(took) => PartHealth::after(u64::try_from(took.as_micros()).unwrap_or(u64::MAX)),
        Err(error) => {
            tracing::warn!(error = &error as &dyn std::error::Error, "failed to check DynamoDB");
            PartHealth::default()
        }
    };
    HandlerResponse::json(&DatabaseHealth { database })
}

/// The figures of all tables: one cache entry serves every role.
async fn load(
    sync: &SyncContext,
    room: &Room,
    min: Stamp,
    now: Timestamp,
    cost: &mut Cost,
) -> Result<Loaded, HandlerError> {
    let figures = sync.store.figures(room, now, cost).await?;
    let stamp = figures.head.stamp;
    min::check(stamp, min)?;
    let stats = stats::stats(&sync.rules.tables, Role::SuperAdmin, &figures);
    Ok(Loaded::some(serde_json::to_vec(&stats)?, stamp.0))
}
