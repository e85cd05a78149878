//! How functions reach Redis, and by which clock: over HTTP, or as the process that runs them carries it.

#[cfg(feature = "carried-redis")]
use std::sync::Arc;
use std::time::Duration;

use cache::Clock;
use protocol::timestamp::Timestamp;
use redis_client::transport::{HttpRequest, HttpResponse, Transport, TransportError};

#[cfg(feature = "carried-redis")]
use super::carrier::Carrier;
use super::transport::RedisHttp;
use crate::start;

/// The way to Redis. Clones share it.
#[derive(Clone, Debug)]
pub enum RedisLink {
    /// Over HTTP, by the system's clock.
    Http(RedisHttp),
    /// As the process carries it.
    #[cfg(feature = "carried-redis")]
    Carried(Arc<dyn Carrier>),
}

impl Transport for RedisLink {
    async fn exchange(
        &self,
        request: HttpRequest<'_>,
        deadline: Duration,
    ) -> Result<HttpResponse, TransportError> {
        match self {
            RedisLink::Http(http) => http.exchange(request, deadline).await,
            #[cfg(feature = "carried-redis")]
            RedisLink::Carried(carrier) => carrier.exchange(request, deadline).await,
        }
    }

    async fn wait(&self, pause: Duration) {
        tokio::time::sleep(pause).await;
    }

    fn now(&self) -> Timestamp {
        match self {
            // Wall-clock time, because cached entries share it between processes. It may jump.
            RedisLink::Http(_) => start::now(),
            #[cfg(feature = "carried-redis")]
            RedisLink::Carried(carrier) => carrier.now(),
        }
    }
}

/// The cache's clock.
impl Clock for RedisLink {
    fn now(&self) -> Timestamp {
        Transport::now(self)
    }

    async fn sleep(&self, pause: Duration) {
        self.wait(pause).await;
    }
}
