//! One request's way to the engine and back.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::{Method, Request, StatusCode};
use thiserror::Error;
use tokio::sync::Notify;

use super::answer::{self, Answer};
use super::{Context, execute, stream};
use crate::access::UNAUTHORIZED;
use crate::connection::ExchangeError;
use crate::faults::Fault;
use crate::request::{self, Request as Asked};
use crate::transcript::too_large;
use crate::{format, resp::Reply};

/// How much of a request that is too large is still read, so that its client hears why: as a multiple of
/// the limit.
const READ_ANYWAY: usize = 8;
/// What is said while the engine cannot be reached. The service's own words are not documented; the status
/// is the one that says "later".
const UNREACHABLE: &str = "ERR database is unreachable, try again later";

/// The connection closes and the client hears nothing.
#[derive(Debug, Error)]
#[error("failed to answer: the connection was to be closed, or closed by itself")]
pub(super) struct Dropped;

/// Why a request is not executed.
enum Turned {
    /// This is the answer.
    Away(Box<Answer>),
    /// Nobody answers.
    Silent,
}

pub(super) async fn answer(
    context: &Arc<Context>,
    hang_up: &Arc<Notify>,
    request: Request<Incoming>,
) -> Result<Answer, Dropped> {
    context.counters.request();
    let fault = context.faults.meet();
    let mut lifted = context.faults.watch();
    match fault {
        Some(Fault::Refuse) => return Err(Dropped),
        Some(Fault::Status(status)) => {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            return Ok(answer::refusal(status, "ERR injected fault"));
        }
        Some(Fault::LoseAnswer | Fault::Delay(_) | Fault::Hold | Fault::Full) | None => {}
    }
    let headers = request.headers().clone();
    let mut answer = match respond(context, hang_up, request).await {
        Ok(answer) => answer,
        Err(Turned::Away(answer)) => *answer,
        Err(Turned::Silent) => return Err(Dropped),
    };
    answer::allow_origin(&mut answer, &headers);
    match fault {
        Some(Fault::LoseAnswer) => return Err(Dropped),
        Some(Fault::Delay(time)) => tokio::time::sleep(time).await,
        // An error would mean that the front is gone, and this task with it.
        Some(Fault::Hold) => drop(lifted.changed().await),
        _ => {}
    }
    Ok(answer)
}

async fn respond(
    context: &Arc<Context>,
    hang_up: &Arc<Notify>,
    request: Request<Incoming>,
) -> Result<Answer, Turned> {
    let (parts, body) = request.into_parts();
    let has_body = match parts.method {
        Method::OPTIONS => return Ok(answer::preflight(&parts.headers)),
        Method::GET | Method::HEAD => false,
        Method::POST | Method::PUT => true,
        _ => return Ok(answer::method_not_allowed()),
    };
    // Before anything is read: who may not ask is not listened to.
    let access = context
        .tokens
        .admit(&parts.headers, parts.uri.query())
        .ok_or_else(|| away(StatusCode::UNAUTHORIZED, UNAUTHORIZED))?;
    let format = format::parse(&parts.headers).map_err(|error| bad_request(&error.to_string()))?;
    // A body is read even where it means nothing, or the connection could not be used again.
    let body = read(body, context.request_bytes_max).await?;
    let body = if has_body { body } else { Bytes::new() };
    let asked = request::parse(parts.uri.path(), parts.uri.query(), &body)
        .map_err(|error| bad_request(&error.to_string()))?;

    let mut answer = match asked {
        Asked::Stream(source) => stream::open(context, access, hang_up, source).await,
        asked => {
            // A request that was understood runs to its end even if its client goes away.
            let context = Arc::clone(context);
            let running = tokio::spawn(async move { execute::run(&context, access, asked, format).await });
            running.await.map_err(|_| Turned::Silent)?
        }
    }
    .map_err(|error| unreachable(&error))?;
    answer::add_sync_token(&mut answer, context);
    Ok(answer)
}

/// The whole body, or the refusal with its true size.
async fn read(mut body: Incoming, limit: usize) -> Result<Bytes, Turned> {
    let (mut whole, mut size) = (BytesMut::new(), 0usize);
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|_| Turned::Silent)?.into_data() else { continue };
        size = size.saturating_add(data.len());
        if size <= limit {
            whole.extend_from_slice(&data);
        } else if size > limit.saturating_mul(READ_ANYWAY) {
            break;
        }
    }
    match too_large(limit, size) {
        Reply::Error(text) if size > limit => Err(bad_request(&String::from_utf8_lossy(&text))),
        _ => Ok(whole.freeze()),
    }
}

fn bad_request(text: &str) -> Turned {
    away(StatusCode::BAD_REQUEST, text)
}

fn unreachable(error: &ExchangeError) -> Turned {
    tracing::warn!(%error, "a request was not executed");
    away(StatusCode::SERVICE_UNAVAILABLE, UNREACHABLE)
}

fn away(status: StatusCode, text: &str) -> Turned {
    Turned::Away(Box::new(answer::refusal(status, text)))
}
