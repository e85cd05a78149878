//! How functions reach Redis, and by which clock: over HTTP, or as the process that runs them carries it.

use std::fmt::Debug;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use cache::Clock;
use protocol::timestamp::Timestamp;
use redis_client::transport::{HttpRequest, HttpResponse, Transport, TransportError};

use super::transport::RedisHttp;
use crate::start;

/// A request on its way.
pub type Exchange<'a> = Pin<Box<dyn Future<Output = Result<HttpResponse, TransportError>> + Send + 'a>>;

/// Carries requests to Redis for a process with a clock of its own: a simulation.
pub trait Carrier: Debug + Send + Sync + 'static {
    /// As [`Transport::exchange`].
    fn exchange<'a>(&'a self, request: HttpRequest<'a>, deadline: Duration) -> Exchange<'a>;

    /// The present time.
    fn now(&self) -> Timestamp;
}

/// The way to Redis. Clones share it.
#[derive(Clone, Debug)]
pub enum RedisLink {
    /// Over HTTP, by the system's clock.
    Http(RedisHttp),
    /// As the process carries it.
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
