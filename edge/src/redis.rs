//! The transport of the Redis client in the Worker: the runtime's fetch.
//!
//! reqwest, which the functions use, wraps the same fetch and adds 100 KiB to the Worker (BENCHMARKS.md).

use std::time::Duration;

use futures_util::TryStreamExt;
use protocol::timestamp::Timestamp;
use redis_client::address::Address;
use redis_client::limits::REDIS_ANSWER_BYTES_MAX;
use redis_client::transport::{HttpRequest, HttpResponse, SYNC_TOKEN_HEADER, Transport, TransportError};
use worker::{AbortSignal, Delay, Fetch, Request, Response};

use crate::{clock, fetch};

pub(crate) struct RedisFetch {
    address: Address,
}

impl RedisFetch {
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
        let url = self.address.at(request.path);
        let request = fetch::request("POST", &url, &request.headers(), Some(request.body))
            .map_err(|error| TransportError::NeverArrived(error.to_string().into()))?;
        let signal = fetch::abort_after(deadline);
        let answer = send(request, &signal).await;
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

async fn send(request: Request, signal: &AbortSignal) -> worker::Result<HttpResponse> {
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
