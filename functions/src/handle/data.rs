//! `GET /api/data/{table}/{id}` and `POST /api/data/batch-get`: one file, one function each.

mod batch_get;
mod record;

use lambda_http::http::Method;
use lambda_http::{Body, Request, Response};
use protocol::error::{ApiError, ErrorCode};
use protocol::timestamp::Timestamp;

use crate::app::ReadApp;
use crate::http::respond;
use crate::store::cost::Cost;

/// Answers a request made at `now`.
pub async fn handle(app: &ReadApp, request: Request, now: Timestamp) -> Response<Body> {
    let mut cost = Cost::default();
    let result = match (request.method(), request.uri().path()) {
        (&Method::GET, "/api/data") => record::record(app, &request, now, &mut cost).await,
        (&Method::POST, "/api/data/batch-get") => batch_get::batch_get(app, &request, now, &mut cost).await,
        // The edge lets nothing else through, so only somebody who calls the function by itself sees this.
        _ => Err(ApiError::new(ErrorCode::NotFound, "There is nothing at this address.").into()),
    };
    app.cache.flush_if_due().await;
    respond(&request, Some(&cost), result)
}
