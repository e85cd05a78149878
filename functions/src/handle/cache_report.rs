//! `GET /api/cache/report`, `GET /api/cache/stats` and `POST /api/cache/invalidate`: the cache as its client's admins
//! see it.

mod invalidate;
mod report;
mod stats;

use lambda_http::http::Method;
use lambda_http::{Body, Request, Response};
use shared::error::{Code, Refusal};
use shared::micros::Micros;
use shared::redis::error::RedisError;
use shared::tenant::ClientId;
use shared::token::Role;

use crate::app::ReportApp;
use crate::http::{Failed, respond};

/// Answers a request made at `now`.
pub async fn handle(app: &ReportApp, request: Request, now: Micros) -> Response<Body> {
    let result = match (request.method(), request.uri().path()) {
        (&Method::GET, "/api/cache/report") => report::report(app, &request, now).await,
        (&Method::GET, "/api/cache/stats") => stats::stats(app, &request, now).await,
        (&Method::POST, "/api/cache/invalidate") => invalidate::invalidate(app, &request, now).await,
        // The edge lets nothing else through, so only somebody who calls the function by itself sees this.
        _ => Err(Refusal::new(Code::NotFound, "There is nothing at this address.").into()),
    };
    respond(&request, None, result)
}

/// The client whose cache the caller may look at.
fn client(app: &ReportApp, request: &Request, now: Micros) -> Result<ClientId, Refusal> {
    let claims = app.claims(request, now)?;
    claims.at_least(Role::Admin)?;
    Ok(claims.client_id)
}

/// Redis has no answer, and nobody else does.
fn unavailable(error: RedisError) -> Failed {
    Failed::Unavailable(error.into())
}
