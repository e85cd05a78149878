//! The transport of the Redis client in the Worker: the runtime's fetch.
//!
//! reqwest, which the functions use, wraps the same fetch and adds 100 KiB to the Worker (BENCHMARKS.md).

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
    /// A transport to the service at `address`.
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
        // The crate takes some aborted bodies for complete ones.
        if signal.aborted() {
            return Err(TransportError::Late);
        }
        // The runtime does not tell whether the request was sent.
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
    // The service never redirects, and the target of a redirect must not receive the token.
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
        // A response without a body has no stream.
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

/// The deadline in milliseconds, at least 1: a timer of 0 would fire at once.
fn whole_millis(deadline: Duration) -> u32 {
    u32::try_from(deadline.as_millis()).unwrap_or(u32::MAX).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deadline_is_at_least_a_millisecond() {
        assert_eq!(whole_millis(Duration::ZERO), 1);
        assert_eq!(whole_millis(Duration::from_micros(1999)), 1);
        assert_eq!(whole_millis(Duration::from_millis(400)), 400);
        assert_eq!(whole_millis(Duration::MAX), u32::MAX);
    }
}
