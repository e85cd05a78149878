//! Redis by another way than HTTP, for a process with a clock of its own: a simulation.

use std::fmt::Debug;
use std::pin::Pin;
use std::time::Duration;

use protocol::timestamp::Timestamp;
use redis_client::transport::{HttpRequest, HttpResponse, TransportError};

/// A request on its way.
pub type Exchange<'a> = Pin<Box<dyn Future<Output = Result<HttpResponse, TransportError>> + Send + 'a>>;

/// Carries requests to Redis.
pub trait Carrier: Debug + Send + Sync + 'static {
    /// As [`redis_client::transport::Transport::exchange`].
    fn exchange<'a>(&'a self, request: HttpRequest<'a>, deadline: Duration) -> Exchange<'a>;

    /// The present time.
    fn now(&self) -> Timestamp;
}
