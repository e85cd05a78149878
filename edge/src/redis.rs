//! The way from the edge to Redis: the port under `redis_client`, by the runtime's own fetch.
//!
//! The HTTP client that the functions use would be a wrapper around the same fetch here, and 100 KiB more of worker
//! (BENCHMARKS.md).

use std::time::Duration;

use futures_util::TryStreamExt;
use js_sys::Uint8Array;
use protocol::timestamp::Timestamp;
use redis_client::address::Address;
use redis_client::limits::REDIS_ANSWER_BYTES_MAX;
use redis_client::transport::{HttpRequest, HttpResponse, SYNC_TOKEN_HEADER, Transport, TransportError};
use worker::{AbortSignal, Delay, Fetch, Headers, Method, Request, RequestInit, RequestRedirect, Response};

use crate::clock;

/// Sends requests to Redis.
pub(crate) struct RedisFetch {
    address: Address,
}

impl RedisFetch {
    /// The way to the service at `address`.
    pub(crate) fn new(address: Address) -> RedisFetch {
        RedisFetch { address }
    }
}

impl Transport for RedisFetch {
    async fn exchange(
        &self,
        request: HttpRequest<'_>,
        deadline: Duration,
    ) -> Result<HttpResponse, TransportError> {
        let request = post(&self.address, request)
            .map_err(|error| TransportError::NeverArrived(error.to_string().into()))?;
        let signal =
            AbortSignal::from(worker::web_sys::AbortSignal::timeout_with_u32(whole_millis(deadline)));
        let answer = fetch(request, &signal).await;
        // The crate takes some aborted bodies for finished ones.
        if signal.aborted() {
            return Err(TransportError::Late);
        }
        // The runtime does not say whether there ever was a connection.
        answer.map_err(|error| TransportError::BrokeOff(error.to_string().into()))
    }

    async fn wait(&self, pause: Duration) {
        Delay::from(pause).await;
    }

    fn now(&self) -> Timestamp {
        clock::now()
    }
}

fn post(address: &Address, request: HttpRequest<'_>) -> worker::Result<Request> {
    let mut init = RequestInit::new();
    // The service never redirects; whoever answers so in its place must not be sent the token as well.
    init.with_method(Method::Post).with_redirect(RequestRedirect::Manual);
    let headers = request.headers();
    init.with_headers(headers.iter().map(|(name, value)| (*name, value.as_str())).collect::<Headers>());
    init.with_body(Some(Uint8Array::from(request.body).into()));
    Request::new_with_init(&address.at(request.path), &init)
}

async fn fetch(request: Request, signal: &AbortSignal) -> worker::Result<HttpResponse> {
    let mut response = Fetch::Request(request).send_with_signal(signal).await?;
    let sync_token = response.headers().get(SYNC_TOKEN_HEADER)?;
    Ok(HttpResponse { status: response.status_code(), sync_token, body: body(&mut response).await? })
}

async fn body(response: &mut Response) -> worker::Result<Vec<u8>> {
    let Ok(chunks) = response.stream() else {
        // An answer without a body has nothing to stream.
        return response.bytes().await;
    };
    let append = |mut body: Vec<u8>, mut chunk: Vec<u8>| async move {
        if body.len() + chunk.len() > REDIS_ANSWER_BYTES_MAX {
            return Err("it is too long".into());
        }
        body.append(&mut chunk);
        Ok(body)
    };
    chunks.try_fold(Vec::new(), append).await
}

/// The deadline as the runtime's timers take it: never 0, which would be over before it began.
fn whole_millis(deadline: Duration) -> u32 {
    u32::try_from(deadline.as_millis()).unwrap_or(u32::MAX).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deadline_is_never_nothing() {
        assert_eq!(whole_millis(Duration::ZERO), 1);
        assert_eq!(whole_millis(Duration::from_micros(1999)), 1);
        assert_eq!(whole_millis(Duration::from_millis(400)), 400);
        assert_eq!(whole_millis(Duration::MAX), u32::MAX);
    }
}
