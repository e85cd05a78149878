//! `/api/sync/dead-letters`: one function, one file per route.

mod discard;
mod list;
mod replay;

use lambda_http::http::Method;
use lambda_http::{Body, Request, Response};
use protocol::error::{ApiError, ErrorCode};
use protocol::role::Role;
use protocol::timestamp::Timestamp;
use sync::dead_letter_id::DeadLetterId;

use crate::app::SyncApp;
use crate::http::{Answer, HandlerError, respond};
use crate::query::Query;
use crate::store::cost::Cost;

/// Where the letters are.
const PATH: &str = "/api/sync/dead-letters";

/// Answers a request made at `now`.
pub async fn handle(app: &SyncApp, request: Request, now: Timestamp) -> Response<Body> {
    let mut cost = Cost::default();
    let result = answer(app, &request, now, &mut cost).await;
    respond(&request, Some(&cost), result)
}

async fn answer(
    app: &SyncApp,
    request: &Request,
    now: Timestamp,
    cost: &mut Cost,
) -> Result<Answer, HandlerError> {
    let claims = app.claims(request, now)?;
    claims.at_least(Role::Manager)?;
    let room = claims.room_of(Query::of(request).branch()?.as_ref())?;
    let nothing = || ApiError::new(ErrorCode::NotFound, "There is nothing at this address.");
    let rest = request.uri().path().strip_prefix(PATH).ok_or_else(nothing)?;
    let segments: Vec<&str> = rest.split('/').skip(1).collect();
    match (request.method(), segments.as_slice()) {
        (&Method::GET, []) => list::list(app, request, &claims, &room, cost).await,
        (&Method::POST, [id, "replay"]) => {
            replay::replay(app, request, &claims, &room, &letter(id)?, now, cost).await
        }
        (&Method::POST, [id, "discard"]) => discard::discard(app, request, &room, &letter(id)?, cost).await,
        // The edge lets nothing else through, so only somebody who calls the function by itself sees this.
        _ => Err(nothing().into()),
    }
}

/// The letter that a path names. One that cannot be is none that there is.
fn letter(id: &str) -> Result<DeadLetterId, ApiError> {
    id.parse().map_err(|_| not_found())
}

fn not_found() -> ApiError {
    ApiError::new(
        ErrorCode::DeadLetterNotFound,
        "There is no such dead letter, or somebody has dealt with it already.",
    )
}
