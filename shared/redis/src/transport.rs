//! The port under the client: sends a request's bytes and returns the response's bytes within a deadline.
//!
//! Adapters hold the service's address and a connection pool. All decisions are the client's: what to send,
//! when it must end and how long to pause.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use config::Secret;
use protocol::timestamp::Timestamp;

/// The header with the sync token, in a request and in its response.
pub const SYNC_TOKEN_HEADER: &str = "upstash-sync-token";

/// Sends requests to the service.
#[allow(
    async_fn_in_trait,
    reason = "used generically, so that each adapter's futures are Send or not as they are"
)]
pub trait Transport {
    /// Sends `request` as a POST and reads the whole response, at most
    /// [`crate::limits::REDIS_ANSWER_BYTES_MAX`] bytes, within `deadline`. Follows no redirect and repeats
    /// nothing.
    async fn exchange(
        &self,
        request: HttpRequest<'_>,
        deadline: Duration,
    ) -> Result<HttpResponse, TransportError>;

    /// Returns after `pause`.
    async fn wait(&self, pause: Duration);

    /// The present time, by which deadlines are measured.
    fn now(&self) -> Timestamp;
}

/// One POST. `Debug` shows no token and no body.
#[derive(Clone, Copy)]
pub struct HttpRequest<'a> {
    /// Path after the service's address: `/`, `/pipeline` or `/multi-exec`.
    pub path: &'static str,
    pub(super) token: &'a Secret,
    pub(super) sync_token: Option<&'a str>,
    /// The body: JSON.
    pub body: &'a [u8],
}

impl HttpRequest<'_> {
    /// All headers. Only the first holds the token.
    pub fn headers(&self) -> Vec<(&'static str, String)> {
        let mut headers = vec![
            ("authorization", format!("Bearer {}", self.token.expose())),
            ("content-type", "application/json".to_owned()),
            ("upstash-encoding", "base64".to_owned()),
        ];
        headers.extend(self.sync_token.map(|token| (SYNC_TOKEN_HEADER, token.to_owned())));
        headers
    }
}

impl fmt::Debug for HttpRequest<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "POST {} with {} bytes", self.path, self.body.len())
    }
}

/// A complete response. `Debug` shows no body.
#[derive(Clone, PartialEq, Eq)]
pub struct HttpResponse {
    /// The status.
    pub status: u16,
    /// The value of [`SYNC_TOKEN_HEADER`], if there is one.
    pub sync_token: Option<String>,
    /// The body.
    pub body: Vec<u8>,
}

impl fmt::Debug for HttpResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} with {} bytes", self.status, self.body.len())
    }
}

/// Why there is no response. The variants say whether the commands may have run.
#[derive(Debug, thiserror::Error)]
pub enum TransportError {
    /// The request did not arrive: no name, no connection, no handshake.
    #[error("failed to connect to Redis: {0}")]
    NeverArrived(#[source] Cause),
    /// The connection or the response broke off; the commands may have run.
    #[error("failed to read Redis's answer: {0}")]
    BrokeOff(#[source] Cause),
    /// The deadline passed; the commands may have run or may still run.
    #[error("failed to hear from Redis in time")]
    Late,
}

/// The adapter's own error. Must not hold a header's value.
pub type Cause = Box<dyn Error + Send + Sync>;
