//! The port under the client: a request's bytes go out, an answer's bytes come back, by a deadline.
//!
//! Adapters hold the service's address and one connection pool; they decide nothing. The client tells them what to
//! send, how long it may take and how long to wait.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use config::Secret;
use protocol::timestamp::Timestamp;

/// The header with the token that says how far the reader has seen, in a request and in its answer.
pub const SYNC_TOKEN_HEADER: &str = "upstash-sync-token";

/// Sends requests to the service.
#[allow(
    async_fn_in_trait,
    reason = "used generically, so that each adapter's futures are Send or not as they are"
)]
pub trait Transport {
    /// Sends `request` as a POST and reads the whole answer, of [`crate::limits::REDIS_ANSWER_BYTES_MAX`] at most,
    /// within `deadline`. Never follows a redirect and never repeats anything.
    async fn exchange(
        &self,
        request: HttpRequest<'_>,
        deadline: Duration,
    ) -> Result<HttpResponse, TransportError>;

    /// Returns after `pause`.
    async fn wait(&self, pause: Duration);

    /// The time. Deadlines are measured by it, and it is told to other processes in what is stored.
    fn now(&self) -> Timestamp;
}

/// One POST. `Debug` shows no token and no body.
#[derive(Clone, Copy)]
pub struct HttpRequest<'a> {
    /// Follows the service's address: `/`, `/pipeline` or `/multi-exec`.
    pub path: &'static str,
    pub(super) token: &'a Secret,
    pub(super) sync_token: Option<&'a str>,
    /// The body, which is JSON.
    pub body: &'a [u8],
}

impl HttpRequest<'_> {
    /// Every header that is sent. The token is in the first and nowhere else.
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

/// An answer that was read whole. `Debug` shows no body.
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

/// Why there is no answer. What matters is whether the request may have been carried out nevertheless.
#[derive(Debug, thiserror::Error)]
pub enum TransportError {
    /// The request surely never arrived: no name, no connection, no handshake.
    #[error("failed to connect to Redis: {0}")]
    NeverArrived(#[source] Cause),
    /// The connection or the answer broke off; the request may have been carried out.
    #[error("failed to read Redis's answer: {0}")]
    BrokeOff(#[source] Cause),
    /// The deadline passed; the request may have been carried out, or may yet be.
    #[error("failed to hear from Redis in time")]
    Late,
}

/// What an adapter knows about a failure. Must not hold a header's value.
pub type Cause = Box<dyn Error + Send + Sync>;
