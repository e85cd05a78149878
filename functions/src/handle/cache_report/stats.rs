//! `GET /api/cache/stats`

use lambda_http::Request;
use protocol::timestamp::Timestamp;

use super::{client, unavailable};
use crate::app::ReportApp;
use crate::http::{Answer, HandlerError};

/// How the cache stands with Redis, and what it did today, in all processes.
pub(super) async fn stats(
    app: &ReportApp,
    request: &Request,
    now: Timestamp,
) -> Result<Answer, HandlerError> {
    let client = client(app, request, now)?;
    let report = app.cache.report(&client, now).await.map_err(unavailable)?;
    let mut stats = app.cache.stats(&client);
    (stats.total, stats.kinds) = (report.total, report.kinds);
    Ok(Answer::json(serde_json::to_string(&stats)?))
}
