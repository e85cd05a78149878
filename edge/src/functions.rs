//! The functions behind the door: signing a call, making it, and telling their answers from the platform's.

use std::time::Duration;

use js_sys::Uint8Array;
use protocol::timestamp::Timestamp;
use protocol::wire::{CACHE_HEADER, COST_HEADER, ENDED_HEADER};
use worker::{AbortSignal, Fetch, Headers, Request, RequestInit, RequestRedirect, Response, ResponseBuilder};

use crate::config::Config;

mod call;
mod sign;
mod verdict;

pub(crate) use call::Call;
pub(crate) use sign::SignError;

/// How long a function may take. Longer than it ever should; a till's own patience is about as long.
const CALL_TIMEOUT: Duration = Duration::from_secs(15);

/// What of a function's answer reaches the caller, beside status and body.
const PASSED_HEADERS: [&str; 4] = ["content-type", "retry-after", COST_HEADER, CACHE_HEADER];

/// The functions that answer requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Function {
    /// Signing in and out.
    Auth,
    /// Pushes.
    BatchPush,
    /// Pulls.
    PullChanges,
    /// Conflicts that somebody has looked at.
    ResolveConflict,
    /// A room's figures.
    SyncStats,
    /// What was rejected.
    DeadLetters,
    /// Records, one or several.
    Data,
    /// Carts.
    Carts,
    /// What the cache did, and what it must forget.
    CacheReport,
    /// What is to be in the cache.
    CacheWarm,
}

/// Why there is no answer of a function.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CallError {
    /// The call could not be signed.
    #[error(transparent)]
    Sign(#[from] SignError),
    /// The runtime does not take the call.
    #[error("failed to build the call: {0}")]
    Build(#[source] worker::Error),
    /// No connection, no answer in time, or an answer that broke off.
    #[error("failed to reach the function: {0}")]
    Unreachable(#[source] worker::Error),
    /// The platform answered in the function's place, because it crashed, timed out or is throttled.
    #[error("failed to reach the function: the platform answered {0}")]
    Platform(u16),
    /// Somebody answered who is not one of our functions, or would not let us in.
    #[error("failed to call the function: an answer {0} that is none of ours")]
    Foreign(u16),
    /// A write was answered, but not in our words.
    #[error("failed to read the function's answer to a write: {0}")]
    Unreadable(#[source] serde_json::Error),
    /// A write was answered with a commit that cannot be the caller's. A bug of ours, and nobody is told of it.
    #[error("failed to publish a commit: it is of another client, or of two rooms")]
    ForeignCommit,
}

impl CallError {
    /// Whether the same call may succeed later. What a push committed is found again by its `batch_id`.
    pub(crate) fn passes(&self) -> bool {
        match self {
            CallError::Unreachable(_) | CallError::Platform(_) | CallError::Unreadable(_) => true,
            CallError::Sign(_) | CallError::Build(_) | CallError::Foreign(_) | CallError::ForeignCommit => {
                false
            }
        }
    }
}

/// A function's answer, read whole: what breaks off halfway never looks like an answer.
pub(crate) struct Answer {
    /// The status.
    pub(crate) status: u16,
    /// Those of [`PASSED_HEADERS`] that it has.
    headers: Vec<(&'static str, String)>,
    /// The sessions that the function has ended, as it names them.
    pub(crate) ended: Option<String>,
    /// The body.
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// The value of one of [`PASSED_HEADERS`].
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_str())
    }

    /// The answer as the caller gets it.
    pub(crate) fn pass_on(self) -> worker::Result<Response> {
        let mut response = ResponseBuilder::new().with_status(self.status);
        for (name, value) in &self.headers {
            response = response.with_header(name, value)?;
        }
        // With these the runtime throws on any body, even an empty one.
        let bodiless = self.body.is_empty() || matches!(self.status, 204 | 205 | 304);
        Ok(if bodiless { response.empty() } else { response.fixed(self.body) })
    }
}

/// Calls a function at `now`. The answer is the function's own, whatever its status.
pub(crate) async fn call(config: &Config, call: Call<'_>, now: Timestamp) -> Result<Answer, CallError> {
    let url = call.url(config.urls.of(call.function));
    let mut headers = call.headers();
    let body = call.body.as_deref().unwrap_or_default();
    headers.extend(sign::sign(&config.keys, now, call.method.as_ref(), &url, &headers, body)?);
    let request = request(&url, &call, &headers).map_err(CallError::Build)?;
    let answer = send(request).await.map_err(CallError::Unreachable)?;
    verdict::check(answer.status, &answer.body)?;
    Ok(answer)
}

fn request(url: &str, call: &Call<'_>, headers: &[(&'static str, String)]) -> worker::Result<Request> {
    let mut init = RequestInit::new();
    // A function never redirects; whoever answers so in its place must not be sent the token as well.
    init.with_method(call.method.clone()).with_redirect(RequestRedirect::Manual);
    init.with_headers(headers.iter().map(|(name, value)| (*name, value.as_str())).collect::<Headers>());
    init.with_body(call.body.as_deref().map(|body| Uint8Array::from(body).into()));
    Request::new_with_init(url, &init)
}

async fn send(request: Request) -> worker::Result<Answer> {
    let millis = u32::try_from(CALL_TIMEOUT.as_millis()).unwrap_or(u32::MAX);
    let signal = AbortSignal::from(worker::web_sys::AbortSignal::timeout_with_u32(millis));
    let mut response = Fetch::Request(request).send_with_signal(&signal).await?;
    let mut headers = Vec::new();
    for name in PASSED_HEADERS {
        headers.extend(response.headers().get(name)?.map(|value| (name, value)));
    }
    let (status, ended) = (response.status_code(), response.headers().get(ENDED_HEADER)?);
    let answer = Answer { status, headers, ended, body: response.bytes().await? };
    // The crate takes some aborted bodies for finished ones.
    if signal.aborted() { Err("no answer in time".into()) } else { Ok(answer) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_may_pass_asks_for_a_retry() {
        assert!(CallError::Platform(502).passes());
        assert!(CallError::Unreachable(worker::Error::BodyUsed).passes());
        assert!(!CallError::Foreign(403).passes());
    }
}
