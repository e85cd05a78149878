//! `GET /api/cache/stats`

use super::unavailable;
use crate::context::Context;
use crate::http::request::FunctionRequest;
use crate::http::response::{HandlerResponse, HandlerResult};

/// Returns the state of this process's connection to Redis, and the day's figures of all processes.
pub async fn handle(context: &Context, request: &FunctionRequest<'_>) -> HandlerResult {
    let (cache, client) = (context.cache()?, &request.claims()?.client_id);
    let report = cache.report(client, request.now).await.map_err(unavailable)?;
    let mut stats = cache.stats(client);
    (stats.total, stats.kinds) = (report.total, report.kinds);
    HandlerResponse::json(&stats)
}
