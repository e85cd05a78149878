//! One request's way to a function and back.

use std::sync::Arc;

use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::header::CONTENT_TYPE;
use hyper::{Request, Response, StatusCode};

use super::faults::HostFault;
use super::{Context, invocation, sigv4};
use crate::dynamo::REGION;
use crate::handlers::Route;

/// What Lambda takes in one call: 6 MB.
const BODY_BYTES_MAX: usize = 6 * 1024 * 1024;

type Answer = Response<Full<Bytes>>;
type Called = Response<lambda_http::Body>;

/// The connection closes and the caller hears nothing.
#[derive(Debug, thiserror::Error)]
#[error("failed to answer: the connection was to be closed, or closed by itself")]
pub(super) struct Dropped;

/// Why a request does not reach a function.
enum Turned {
    /// Lambda answers in its place.
    Away(StatusCode, &'static str),
    /// Nobody answers.
    Silent,
}

pub(super) async fn answer(context: &Context, request: Request<Incoming>) -> Result<Answer, Dropped> {
    match call(context, request).await {
        Ok(answer) => Ok(answer),
        Err(Turned::Away(status, message)) => Ok(lambda_says(status, message)),
        Err(Turned::Silent) => Err(Dropped),
    }
}

async fn call(context: &Context, request: Request<Incoming>) -> Result<Answer, Turned> {
    let (parts, body) = request.into_parts();
    let not_found = Turned::Away(StatusCode::NOT_FOUND, "Not Found");
    let (route, target) = invocation::route(&parts.uri).ok_or(not_found)?;
    let body = read(body).await?;
    let now = functions::start::now();
    sigv4::verify(&parts, &body, &context.caller, REGION, now).map_err(|error| {
        tracing::warn!(%error, uri = %parts.uri, "a call to a function was refused");
        Turned::Away(StatusCode::FORBIDDEN, "Forbidden")
    })?;
    let bad_request = Turned::Away(StatusCode::BAD_REQUEST, "Bad Request");
    let event = invocation::request(&parts, target, &body).ok_or(bad_request)?;

    let client = invocation::client(&parts.headers);
    let fault = client.as_deref().and_then(|client| context.faults.meet(client));
    match fault {
        Some(HostFault::Down) => return Err(Turned::Silent),
        Some(HostFault::Status(status)) => {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY);
            return Err(Turned::Away(status, "Internal Server Error"));
        }
        Some(HostFault::LostAnswer) | None => {}
    }
    let mut response = run(context, route, event).await?;
    if fault == Some(HostFault::LostAnswer) {
        return Err(Turned::Silent);
    }
    if client.is_some_and(|client| context.faults.is_cut(&client)) {
        response = invocation::without_publications(response);
    }
    Ok(response.map(|body| Full::new(invocation::bytes(body))))
}

/// A function runs to its end even if its caller goes away, and its panic is a 502: so it is in Lambda.
async fn run(context: &Context, route: Route, event: lambda_http::Request) -> Result<Called, Turned> {
    let (handlers, now) = (Arc::clone(&context.handlers), context.clock.now());
    let running = tokio::spawn(async move { handlers.call(route, event, now).await });
    running.await.map_err(|error| {
        tracing::error!(%error, function = route.name(), "a function has failed");
        Turned::Away(StatusCode::BAD_GATEWAY, "Internal Server Error")
    })
}

async fn read(body: Incoming) -> Result<Bytes, Turned> {
    match Limited::new(body, BODY_BYTES_MAX).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => {
            Err(Turned::Away(StatusCode::PAYLOAD_TOO_LARGE, "Request Entity Too Large"))
        }
        Err(_) => Err(Turned::Silent),
    }
}

/// An answer of Lambda itself, in its own shape: `Message`, capitalised.
fn lambda_says(status: StatusCode, message: &str) -> Answer {
    let body = serde_json::json!({ "Message": message }).to_string();
    let mut answer: Answer = Response::new(Full::from(body));
    *answer.status_mut() = status;
    answer.headers_mut().insert(CONTENT_TYPE, hyper::header::HeaderValue::from_static("application/json"));
    answer
}
