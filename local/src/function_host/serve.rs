//! Handles one request to a function URL.

use std::future::pending;
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::rejection::BytesRejection;
use axum::extract::{FromRequest, Request, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use protocol::endpoints::function::Function;
use serde_json::json;

use super::faults::{HostFault, NO_CLIENT};
use super::{Context, invocation, sigv4};
use crate::dynamo::REGION;

/// Why a request gets no response of a function.
pub(super) enum Rejection {
    /// Lambda itself responds, with this status and message.
    Lambda(StatusCode, &'static str),
    /// The connection closes without a response.
    Disconnect,
}

pub(super) async fn handle(
    State(context): State<Arc<Context>>,
    parts: Parts,
    request: Request,
) -> Result<Response, Rejection> {
    let not_found = Rejection::Lambda(StatusCode::NOT_FOUND, "Not Found");
    let (function, target) = invocation::function(&parts.uri).ok_or(not_found)?;
    let body = Bytes::from_request(request, &()).await?;
    sigv4::verify(&parts, &body, &context.caller, REGION, functions::start::now()).map_err(|error| {
        tracing::warn!(%error, uri = %parts.uri, "a call to a function was refused");
        Rejection::Lambda(StatusCode::FORBIDDEN, "Forbidden")
    })?;
    let bad_request = Rejection::Lambda(StatusCode::BAD_REQUEST, "Bad Request");
    let client = invocation::client(&parts.headers);
    if let Some(client) = &client {
        context.faults.count(client);
    }
    let refuses_groups = client.as_deref().is_some_and(|client| context.faults.are_groups_refused(client));
    let target = if refuses_groups { invocation::without_groups(target) } else { target };
    let event = invocation::request(&parts, target, &body).ok_or(bad_request)?;

    let fault = context.faults.take(client.as_deref().unwrap_or(NO_CLIENT));
    match fault {
        Some(HostFault::Down) => return Err(Rejection::Disconnect),
        Some(HostFault::Status(status)) => {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY);
            return Err(Rejection::Lambda(status, "Internal Server Error"));
        }
        Some(HostFault::Hang) => pending().await,
        Some(HostFault::Answer(content_type, body)) => {
            return Ok(([(CONTENT_TYPE, content_type)], body).into_response());
        }
        Some(HostFault::LostResponse | HostFault::Half) | None => {}
    }
    let mut response = call(&context, function, event).await?;
    if fault == Some(HostFault::LostResponse) {
        return Err(Rejection::Disconnect);
    }
    if fault == Some(HostFault::Half) {
        let (parts, body) = response.into_parts();
        let half = body.get(..body.len() / 2).unwrap_or_default().to_vec();
        response = lambda_http::Response::from_parts(parts, half.into());
    }
    if client.is_some_and(|client| context.faults.is_cut(&client)) {
        response = invocation::without_publications(response);
    }
    Ok(response.map(Body::new))
}

/// As in Lambda, a function runs to its end even if its caller disconnects, and its panic is a 502.
async fn call(
    context: &Context,
    function: Function,
    event: lambda_http::Request,
) -> Result<lambda_http::Response<lambda_http::Body>, Rejection> {
    let handlers = Arc::clone(&context.handlers);
    let running = tokio::spawn(async move { handlers.call(function, event, functions::start::now()).await });
    running.await.map_err(|error| {
        tracing::error!(%error, function = function.name(), "a function has failed");
        Rejection::Lambda(StatusCode::BAD_GATEWAY, "Internal Server Error")
    })
}

impl From<BytesRejection> for Rejection {
    fn from(rejection: BytesRejection) -> Rejection {
        match rejection.status() {
            status @ StatusCode::PAYLOAD_TOO_LARGE => Rejection::Lambda(status, "Request Entity Too Large"),
            _ => Rejection::Disconnect,
        }
    }
}

impl IntoResponse for Rejection {
    fn into_response(self) -> Response {
        match self {
            // Lambda's own responses have the member `Message`, capitalised.
            Rejection::Lambda(status, message) => {
                let body = json!({ "Message": message }).to_string();
                (status, [(CONTENT_TYPE, "application/json")], body).into_response()
            }
            // hyper closes the connection when the body fails, before it has sent the head.
            Rejection::Disconnect => {
                let broken = std::io::Error::from(std::io::ErrorKind::ConnectionAborted);
                Body::from_stream(stream::iter([Err::<Bytes, _>(broken)])).into_response()
            }
        }
    }
}
