//! The transport of `redis_client` over a pool of HTTP connections.

use std::time::Duration;

use protocol::timestamp::Timestamp;
use redis_client::address::Address;
use redis_client::limits::REDIS_ANSWER_BYTES_MAX;
use redis_client::transport::{HttpRequest, HttpResponse, SYNC_TOKEN_HEADER, Transport, TransportError};
use reqwest::redirect::Policy;
use reqwest::{Client, Response};

use crate::start;

/// Timeout of connecting, with DNS and TLS. It is shorter than a patient attempt, so that an unreachable
/// service is told from a slow one.
const CONNECT_TIMEOUT: Duration = Duration::from_millis(300);

/// Sends requests to Redis. Clones share their connections.
#[derive(Clone, Debug)]
pub struct RedisHttp {
    client: Client,
    address: Address,
}

impl RedisHttp {
    /// A transport to the service at `address`.
    pub fn new(address: Address) -> Result<RedisHttp, reqwest::Error> {
        // The environment may name a proxy for other programs, and a redirect would leak the token.
        let client = Client::builder().no_proxy().redirect(Policy::none()).connect_timeout(CONNECT_TIMEOUT);
        Ok(RedisHttp { client: client.build()?, address })
    }
}

impl Transport for RedisHttp {
    async fn exchange(
        &self,
        request: HttpRequest<'_>,
        deadline: Duration,
    ) -> Result<HttpResponse, TransportError> {
        let mut post = self.client.post(self.address.at(request.path)).timeout(deadline);
        for (name, value) in request.headers() {
            post = post.header(name, value);
        }
        let mut response = post.body(request.body.to_vec()).send().await.map_err(failure)?;
        let sync_token = response.headers().get(SYNC_TOKEN_HEADER).and_then(|value| value.to_str().ok());
        let (status, sync_token) = (response.status().as_u16(), sync_token.map(str::to_owned));
        Ok(HttpResponse { status, sync_token, body: body(&mut response).await? })
    }

    async fn wait(&self, pause: Duration) {
        tokio::time::sleep(pause).await;
    }

    fn now(&self) -> Timestamp {
        // Wall-clock time, because cached entries share it between processes. It may jump.
        start::now()
    }
}

async fn body(response: &mut Response) -> Result<Vec<u8>, TransportError> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(failure)? {
        if body.len() + chunk.len() > REDIS_ANSWER_BYTES_MAX {
            return Err(TransportError::BrokeOff("it is too long".into()));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

fn failure(error: reqwest::Error) -> TransportError {
    let (connecting, building, late) = (error.is_connect(), error.is_builder(), error.is_timeout());
    let cause = error.without_url().into();
    // A timeout while connecting means that the request never arrived.
    if connecting || building {
        TransportError::NeverArrived(cause)
    } else if late {
        TransportError::Late
    } else {
        TransportError::BrokeOff(cause)
    }
}

#[cfg(test)]
mod tests;
