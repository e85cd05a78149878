//! Handles one request.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use thiserror::Error;
use tokio::task::JoinError;

use super::{Client, Context, execute, response};
use crate::access;
use crate::batch::too_large;
use crate::connection::ExchangeError;
use crate::faults::Fault;
use crate::format::{self, FormatError};
use crate::request::{self, ParseError};

/// How much of a request that is too large is still read, so that its client gets the error: a multiple of
/// the limit.
const READ_LIMITS_MAX: usize = 8;

/// Why a request was not executed. The texts are the service's; its text for an unreachable database is not
/// documented.
#[derive(Debug, Error)]
enum RequestError {
    #[error(
        "WRONGPASS invalid or missing auth token. \
         See https://docs.upstash.com/redis/troubleshooting/http_unauthorized for details."
    )]
    Unauthorized,
    #[error(transparent)]
    Format(#[from] FormatError),
    #[error(transparent)]
    Parse(#[from] ParseError),
    #[error("{}", too_large(*.limit, *.actual))]
    TooLarge { limit: usize, actual: usize },
    #[error("ERR database is unreachable, try again later")]
    Unreachable(#[source] ExchangeError),
    #[error("ERR script ended after {} ms. It had written; nothing of it stays", .0.as_millis())]
    ScriptEnded(Duration),
    #[error("failed to read the request: {0}")]
    Disconnected(#[from] axum::Error),
    #[error("failed to execute the request: {0}")]
    Panicked(#[from] JoinError),
}

impl From<ExchangeError> for RequestError {
    fn from(error: ExchangeError) -> RequestError {
        match error {
            ExchangeError::Script(deadline) => RequestError::ScriptEnded(deadline),
            other => RequestError::Unreachable(other),
        }
    }
}

impl RequestError {
    /// The response, or nothing where the connection is to close without one.
    fn into_response(self) -> Option<Response> {
        let status = match &self {
            RequestError::Unauthorized => StatusCode::UNAUTHORIZED,
            RequestError::Format(_)
            | RequestError::Parse(_)
            | RequestError::TooLarge { .. }
            | RequestError::ScriptEnded(_) => StatusCode::BAD_REQUEST,
            RequestError::Unreachable(error) => {
                tracing::warn!(%error, "a request was not executed");
                StatusCode::SERVICE_UNAVAILABLE
            }
            RequestError::Disconnected(_) | RequestError::Panicked(_) => return None,
        };
        Some(response::error(status, &self.to_string()))
    }
}

pub(super) async fn handle(
    State(context): State<Arc<Context>>,
    ConnectInfo(client): ConnectInfo<Client>,
    request: Request,
) -> Response {
    let response = tokio::select! {
        response = respond_or_fail(&context, &client, request) => response,
        () = context.stopped.cancelled() => None,
    };
    response.unwrap_or_else(|| {
        client.disconnect();
        Response::default()
    })
}

/// The response with the current fault injected, or nothing where the connection is to close without one.
async fn respond_or_fail(context: &Arc<Context>, client: &Client, request: Request) -> Option<Response> {
    context.lock_counts().requests += 1;
    let fault = context.faults.current();
    let lifted = context.faults.lifted();
    match fault {
        Some(Fault::Refuse) => return None,
        Some(Fault::Status(status)) => {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            return Some(response::error(status, "ERR injected fault"));
        }
        Some(Fault::Hold | Fault::Full) | None => {}
    }
    let headers = request.headers().clone();
    let mut response = match respond(context, client, request).await {
        Ok(response) => response,
        Err(error) => error.into_response()?,
    };
    response::allow_origin(&mut response, &headers);
    if fault == Some(Fault::Hold) {
        lifted.await;
    }
    Some(response)
}

async fn respond(
    context: &Arc<Context>,
    client: &Client,
    request: Request,
) -> Result<Response, RequestError> {
    let (parts, body) = request.into_parts();
    let has_body = match parts.method {
        Method::OPTIONS => return Ok(response::preflight(&parts.headers)),
        Method::GET | Method::HEAD => false,
        Method::POST | Method::PUT => true,
        // The service sends no body with it.
        _ => return Ok(StatusCode::METHOD_NOT_ALLOWED.into_response()),
    };
    // The token comes first, before the body is read.
    let (full, read_only) = (&context.options.token, context.options.read_only_token.as_deref());
    let access = access::verify(full, read_only, &parts.headers, parts.uri.query());
    let access = access.ok_or(RequestError::Unauthorized)?;
    let format = format::parse(&parts.headers)?;
    // A body is read even where it means nothing, or the connection could not be used again.
    let body = read(body, context.options.request_bytes_max).await?;
    let body = if has_body { body } else { Bytes::new() };
    let parsed = request::parse(parts.uri.path(), parts.uri.query(), &body)?;
    // A parsed request runs to its end even if its client disconnects.
    let run = execute::run(Arc::clone(context), client.clone(), access, parsed, format);
    let mut response = tokio::spawn(run).await??;
    let executed = context.executed.fetch_add(1, Ordering::Relaxed) + 1;
    response::add_sync_token(&mut response, executed);
    Ok(response)
}

/// The whole body, or an error with its true size.
async fn read(body: Body, limit: usize) -> Result<Bytes, RequestError> {
    let mut chunks = body.into_data_stream();
    let (mut whole, mut actual) = (BytesMut::new(), 0usize);
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk?;
        actual = actual.saturating_add(chunk.len());
        if actual <= limit {
            whole.extend_from_slice(&chunk);
        } else if actual > limit.saturating_mul(READ_LIMITS_MAX) {
            break;
        }
    }
    if actual > limit { Err(RequestError::TooLarge { limit, actual }) } else { Ok(whole.freeze()) }
}
