//! `GET /api/cache/report?day=2025-12-07`

use lambda_http::Request;
use protocol::error::{ApiError, ErrorCode};
use protocol::timestamp::Timestamp;

use super::{client, unavailable};
use crate::app::ReportApp;
use crate::http::{Answer, HandlerError};
use crate::query::Query;

pub(super) async fn report(
    app: &ReportApp,
    request: &Request,
    now: Timestamp,
) -> Result<Answer, HandlerError> {
    let client = client(app, request, now)?;
    let day = Query::of(request).value("day").map_or(Ok(now), day)?;
    let report = app.cache.report(&client, day).await.map_err(unavailable)?;
    Ok(Answer::json(serde_json::to_string(&report)?))
}

/// Midnight of a day in UTC.
fn day(text: &str) -> Result<Timestamp, ApiError> {
    let message = "`day` must be a day, such as 2025-12-07.";
    Timestamp::parse(&format!("{text}T00:00:00Z")).map_err(|_| ApiError::new(ErrorCode::BadRequest, message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_a_day_and_nothing_else() {
        assert_eq!(day("2025-12-07").unwrap().to_string(), "2025-12-07T00:00:00.000000Z");
        for bad in ["", "today", "2025-12", "2025-12-32", "2025-12-07T00:00:00Z"] {
            assert_eq!(day(bad).unwrap_err().code, ErrorCode::BadRequest, "{bad}");
        }
    }
}
