//! `GET /api/cache/report`, `GET /api/cache/stats` and `POST /api/cache/invalidate`: the cache as its client's admins
//! see it.

mod invalidate;
mod report;
mod stats;

use lambda_http::http::Method;
use lambda_http::{Body, Request, Response};
use protocol::error::{ApiError, ErrorCode};
use protocol::ids::ClientId;
use protocol::role::Role;
use protocol::timestamp::Timestamp;
use redis_client::error::RedisError;

use crate::app::ReportApp;
use crate::http::{HandlerError, respond};

/// Answers a request made at `now`.
pub async fn handle(app: &ReportApp, request: Request, now: Timestamp) -> Response<Body> {
    let result = match (request.method(), request.uri().path()) {
        (&Method::GET, "/api/cache/report") => report::report(app, &request, now).await,
        (&Method::GET, "/api/cache/stats") => stats::stats(app, &request, now).await,
        (&Method::POST, "/api/cache/invalidate") => invalidate::invalidate(app, &request, now).await,
        // The edge lets nothing else through, so only somebody who calls the function by itself sees this.
        _ => Err(ApiError::new(ErrorCode::NotFound, "There is nothing at this address.").into()),
    };
    respond(&request, None, result)
}

/// The client whose cache the caller may look at.
fn client(app: &ReportApp, request: &Request, now: Timestamp) -> Result<ClientId, ApiError> {
    let claims = app.claims(request, now)?;
    claims.at_least(Role::Admin)?;
    Ok(claims.client_id)
}

/// Redis has no answer, and nobody else does.
fn unavailable(error: RedisError) -> HandlerError {
    HandlerError::Unavailable(error.into())
}
