//! `POST /api/cache/invalidate`

use cache::clear::{ClearError, Scope};
use protocol::body::read_body;
use protocol::error::{ApiError, ErrorCode};
use protocol::wire::cache::{InvalidateRequest, InvalidateResponse};
use redis_client::limits::REDIS_GLOB_BYTES_MAX;

use super::unavailable;
use crate::context::Context;
use crate::http::request::FunctionRequest;
use crate::http::response::{HandlerResponse, HandlerResult};

/// Removes cached entries, one page of a scan per request.
pub async fn handle(context: &Context, request: &FunctionRequest<'_>) -> HandlerResult {
    let (cache, client) = (context.cache()?, &request.claims()?.client_id);
    let InvalidateRequest { kind, pattern, cursor } = read_body(request.body())?;
    let which = match (&kind, &pattern) {
        (None, None) => Scope::All,
        (Some(kind), pattern) => {
            let kind =
                kind.parse().map_err(|_| bad("`kind` must be product, record, user, cart or stats."))?;
            Scope::Matching(kind, pattern.as_deref().unwrap_or("*"))
        }
        (None, Some(_)) => return Err(bad("`pattern` needs a `kind`.").into()),
    };
    let cleared = cache.clear(client, which, cursor.as_deref()).await.map_err(|error| match error {
        ClearError::Glob(_) => bad(&format!("`pattern` must be 1 to {REDIS_GLOB_BYTES_MAX} bytes.")).into(),
        ClearError::Cursor => {
            ApiError::new(ErrorCode::BadCursor, "`cursor` must be the one of the answer before.").into()
        }
        ClearError::Redis(error) => unavailable(error),
    })?;
    HandlerResponse::json(&InvalidateResponse { removed: cleared.removed, next_cursor: cleared.next })
}

fn bad(message: &str) -> ApiError {
    ApiError::new(ErrorCode::BadRequest, message)
}
