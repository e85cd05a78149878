//! `GET /api/cache/report` and `GET /api/cache/stats`

use protocol::error::{ApiError, ErrorCode};
use protocol::timestamp::Timestamp;

use super::unavailable;
use crate::context::Context;
use crate::http::request::FunctionRequest;
use crate::http::response::{HandlerResponse, HandlerResult};

/// Reports one day of the cache.
pub async fn report(context: &Context, request: &FunctionRequest<'_>) -> HandlerResult {
    let day = request.parameter("day").map_or(Ok(request.now), day)?;
    let report = context.cache()?.report(&request.claims()?.client_id, day).await.map_err(unavailable)?;
    // Redis's own figures change with each read of them.
    HandlerResponse::json(&report)?.tagged_by(&(
        &report.day,
        &report.total,
        &report.kinds,
        report.redis.is_some(),
    ))
}

/// Returns the state of this process's connection to Redis, and the day's figures of all processes.
pub async fn stats(context: &Context, request: &FunctionRequest<'_>) -> HandlerResult {
    let (cache, client) = (context.cache()?, &request.claims()?.client_id);
    let report = cache.report(client, request.now).await.map_err(unavailable)?;
    let mut stats = cache.stats(client);
    (stats.total, stats.kinds) = (report.total, report.kinds);
    HandlerResponse::json(&stats)?.tagged_by(&(stats.breaker, &stats.total, &stats.kinds))
}

/// Midnight in UTC of a day such as 2025-12-07.
fn day(text: &str) -> Result<Timestamp, ApiError> {
    let message = "`day` must be a day, such as 2025-12-07.";
    Timestamp::parse(&format!("{text}T00:00:00Z")).map_err(|_| ApiError::new(ErrorCode::BadRequest, message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_plain_date_is_a_day() {
        assert_eq!(day("2025-12-07").unwrap().to_string(), "2025-12-07T00:00:00.000000Z");
        for bad in ["", "today", "2025-12", "2025-12-32", "2025-12-07T00:00:00Z"] {
            assert_eq!(day(bad).unwrap_err().code, ErrorCode::BadRequest, "{bad}");
        }
    }
}
