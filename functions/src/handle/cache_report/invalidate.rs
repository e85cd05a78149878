//! `POST /api/cache/invalidate`: one step at a time, on from the cursor of the step before.

use cache::clear::{ClearError, Which};
use lambda_http::Request;
use protocol::body::read_body;
use protocol::error::{ApiError, ErrorCode};
use protocol::timestamp::Timestamp;
use protocol::wire::cache::{InvalidateRequest, InvalidateResponse};
use redis_client::limits::REDIS_GLOB_BYTES_MAX;

use super::{client, unavailable};
use crate::app::ReportApp;
use crate::http::{Answer, HandlerError};

pub(super) async fn invalidate(
    app: &ReportApp,
    request: &Request,
    now: Timestamp,
) -> Result<Answer, HandlerError> {
    let client = client(app, request, now)?;
    let InvalidateRequest { kind, pattern, cursor } = read_body(request.body())?;
    let which = match (&kind, &pattern) {
        (None, None) => Which::All,
        (Some(kind), pattern) => {
            let kind =
                kind.parse().map_err(|_| bad("`kind` must be product, record, user, cart or stats."))?;
            Which::Matching(kind, pattern.as_deref().unwrap_or("*"))
        }
        (None, Some(_)) => return Err(bad("`pattern` needs a `kind`.").into()),
    };
    let cleared = app.cache.clear(&client, which, cursor.as_deref()).await.map_err(|error| match error {
        ClearError::Glob(_) => bad(&format!("`pattern` must be 1 to {REDIS_GLOB_BYTES_MAX} bytes.")).into(),
        ClearError::Cursor => {
            ApiError::new(ErrorCode::BadCursor, "`cursor` must be the one of the answer before.").into()
        }
        ClearError::Redis(error) => unavailable(error),
    })?;
    let answer = InvalidateResponse { removed: cleared.removed, next_cursor: cleared.next };
    Ok(Answer::json(serde_json::to_string(&answer)?))
}

fn bad(message: &str) -> ApiError {
    ApiError::new(ErrorCode::BadRequest, message)
}
