//! Calls of the functions: sign, send, and tell a function's response from one of the platform.

use std::time::Duration;

use protocol::telemetry::server_timing::{self, TIMING_HEADER};
use protocol::timestamp::Timestamp;
use protocol::wire::{CACHE_HEADER, COST_HEADER, ENDED_HEADER};
use serde::de::IgnoredAny;
use worker::{Fetch, Request};

use crate::config::Config;
use crate::fetch;
use crate::response::{Body, Response};

mod call;
mod calls_in_flight;
mod check;
mod sign;

pub(crate) use call::{Call, Credentials};
pub(crate) use calls_in_flight::{CallInFlight, CallsInFlight};
pub(crate) use sign::SignError;

/// Timeout of a call, longer than a function ever takes. Tills wait about as long.
pub(crate) const CALL_TIMEOUT: Duration = Duration::from_secs(15);

/// Headers of a function's response that the caller receives.
const FORWARDED_HEADERS: [&str; 5] = ["content-type", "etag", "retry-after", COST_HEADER, CACHE_HEADER];

#[derive(Debug, thiserror::Error)]
pub(crate) enum CallError {
    #[error(transparent)]
    Sign(#[from] SignError),
    /// The runtime refused the request.
    #[error("failed to build the call: {0}")]
    Build(#[source] worker::Error),
    /// No connection, no response in time, or a response that broke off.
    #[error("failed to reach the function: {0}")]
    Unreachable(#[source] worker::Error),
    /// The platform answered instead: the function crashed, timed out or is throttled.
    #[error("failed to reach the function: the platform answered {0}")]
    Platform(u16),
    /// The response is not from one of our functions, or the platform refused the signature.
    #[error("failed to call the function: an unknown response with status {0}")]
    Foreign(u16),
    /// A success that is none of ours, although the status says so.
    #[error("failed to call the function: a success with the content type {0:?}")]
    NoJson(String),
    #[error("failed to read the function's response: {0}")]
    Unreadable(#[source] serde_json::Error),
    /// The response to a write carries a commit that is not the caller's: a bug of ours. No room receives it.
    #[error("failed to publish a commit: it is of another client, or of two rooms")]
    ForeignCommit,
}

impl CallError {
    /// Whether a retry may succeed. A retried push finds its commit by its `batch_id`.
    pub(crate) fn is_transient(&self) -> bool {
        match self {
            CallError::Unreachable(_)
            | CallError::Platform(_)
            | CallError::NoJson(_)
            | CallError::Unreadable(_) => true,
            CallError::Sign(_) | CallError::Build(_) | CallError::Foreign(_) | CallError::ForeignCommit => {
                false
            }
        }
    }
}

/// A function's response, read to its end.
pub(crate) struct UpstreamResponse {
    pub(crate) status: u16,
    /// Its headers among [`FORWARDED_HEADERS`].
    headers: Vec<(&'static str, String)>,
    /// The header that names ended sessions.
    pub(crate) ended: Option<String>,
    /// The time that the function spent in DynamoDB.
    pub(crate) storage_micros: u64,
    pub(crate) body: Vec<u8>,
}

impl UpstreamResponse {
    /// The value of a header among [`FORWARDED_HEADERS`].
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_str())
    }

    /// The response for the caller, if its body is whole.
    pub(crate) fn into_response(self) -> Result<Response, CallError> {
        if !self.is_bodiless() {
            serde_json::from_slice::<IgnoredAny>(&self.body).map_err(CallError::Unreadable)?;
        }
        Ok(self.passed_on())
    }

    /// The same for a body that was read.
    pub(crate) fn passed_on(self) -> Response {
        let bodiless = self.body.is_empty() || self.is_bodiless();
        let body = if bodiless { Body::Empty } else { Body::Bytes(self.body) };
        let response = Response::new(self.status, body);
        self.headers.into_iter().fold(response, |response, (name, value)| response.with(name, value))
    }

    /// Whether its status has no body. The runtime throws on one, even if it is empty.
    fn is_bodiless(&self) -> bool {
        matches!(self.status, 204 | 205 | 304)
    }
}

/// The signed request that calls a function at `now`.
pub(crate) fn request(config: &Config, call: &Call<'_>, now: Timestamp) -> Result<Request, CallError> {
    let url = call.url(call.spec.function.map_or("", |function| config.urls.of(function)));
    let mut headers = call.headers();
    let body = call.body.unwrap_or_default();
    headers.extend(sign::sign(&config.keys, now, call.spec.method, &url, &headers, body)?);
    fetch::request(call.spec.method, &url, &headers, call.body).map_err(CallError::Build)
}

/// Calls the function. The response is its own, whatever its status.
pub(crate) async fn send(request: Request) -> Result<UpstreamResponse, CallError> {
    let response = fetch_response(request).await.map_err(CallError::Unreachable)?;
    check::check(response.status, response.header("content-type"), &response.body)?;
    Ok(response)
}

async fn fetch_response(request: Request) -> worker::Result<UpstreamResponse> {
    let signal = fetch::abort_after(CALL_TIMEOUT);
    let mut response = Fetch::Request(request).send_with_signal(&signal).await?;
    let mut headers = Vec::new();
    for name in FORWARDED_HEADERS {
        headers.extend(response.headers().get(name)?.map(|value| (name, value)));
    }
    let (status, ended) = (response.status_code(), response.headers().get(ENDED_HEADER)?);
    let timing = response.headers().get(TIMING_HEADER)?.unwrap_or_default();
    let storage_micros = server_timing::read(&timing, "db").unwrap_or_default();
    let body = response.bytes().await?;
    let response = UpstreamResponse { status, headers, ended, storage_micros, body };
    // The crate takes some aborted bodies for complete ones.
    if signal.aborted() { Err("no response in time".into()) } else { Ok(response) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_transient_errors_ask_for_a_retry() {
        assert!(CallError::Platform(502).is_transient());
        assert!(CallError::Unreachable(worker::Error::BodyUsed).is_transient());
        assert!(!CallError::Foreign(403).is_transient());
    }
}
