//! What all functions that write have in common: a commit, a race for it, and an answer with the commit beside it.

use std::time::Duration;

use crate::limits::{FAST_PATH_ANSWER_BYTES_MAX, FAST_PATH_BYTES_MAX, PUSH_ATTEMPTS_MAX};
use lambda_http::Request;
use protocol::error::{ApiError, ErrorCode};
use protocol::json::JsonText;
use protocol::timestamp::Timestamp;
use protocol::wire::publication::Publication;
use protocol::wire::push::WriteResult;
use protocol::wire::{REQUEST_ID_HEADER, WRITE_RESULT_CONTENT_TYPE};
use serde::Serialize;
use sha2::{Digest, Sha256};
use sync::decide::commit::CommitPlan;

use crate::app::SyncApp;
use crate::http::{Answer, HandlerError};
use crate::store::cost::Cost;
use crate::store::error::StoreError;

/// Milliseconds that a write waits at most before its second attempt; doubled for each further one.
const BACKOFF_MILLIS: u64 = 15;
/// Milliseconds that a write waits at most before any attempt.
const BACKOFF_MILLIS_MAX: u64 = 400;

/// Commits `commit` and returns its publications; `None` if another writer came first: load and decide again.
pub async fn commit(
    app: &SyncApp,
    commit: CommitPlan<'_>,
    now: Timestamp,
    cost: &mut Cost,
) -> Result<Option<Vec<Publication>>, HandlerError> {
    match app.store.commit(&commit, app.rules.retention, now, cost).await {
        Ok(()) => Ok(Some(commit.into_publications())),
        Err(StoreError::Lost) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// The attempts of one request at a commit.
pub struct Race<'a> {
    request: &'a [u8],
    who: &'a str,
    lost: u32,
}

impl<'a> Race<'a> {
    /// The first attempt of `request`, on behalf of `who`.
    pub fn new(request: &'a Request, who: &'a str) -> Race<'a> {
        let request = request.headers().get(REQUEST_ID_HEADER).map_or(&[][..], |id| id.as_bytes());
        Race { request, who, lost: 0 }
    }

    /// Waits for the next attempt, which was lost; refuses, if there were enough.
    ///
    /// Full jitter, so that devices that collided do not collide again. It is drawn from the request's name, which
    /// nobody else has, and who asked, so that a run can be replayed to the microsecond.
    pub async fn again(&mut self) -> Result<(), ApiError> {
        let attempt = self.lost;
        self.lost += 1;
        if self.lost >= PUSH_ATTEMPTS_MAX {
            let message = "Too many devices wrote to this branch at once. Nothing is lost: send the same request again.";
            return Err(ApiError::new(ErrorCode::Busy, message));
        }
        let most = BACKOFF_MILLIS.saturating_mul(1 << attempt.min(10)).min(BACKOFF_MILLIS_MAX);
        let hash = Sha256::new().chain_update(self.request).chain_update(self.who);
        let hash = hash.chain_update(attempt.to_le_bytes()).finalize();
        let drawn = hash.iter().take(4).fold(0_u64, |drawn, &byte| drawn << 8 | u64::from(byte));
        let millis = drawn % (most + 1);
        tracing::debug!(attempt, millis, "lost a race");
        tokio::time::sleep(Duration::from_millis(millis)).await;
        Ok(())
    }
}

/// The caller's answer with the commit beside it, unless that is too large for the fast path.
pub fn answered(answer: &impl Serialize, parts: Vec<Publication>) -> Result<Answer, HandlerError> {
    let bytes: usize =
        parts.iter().flat_map(|part| &part.changes).map(|change| change.data.as_str().len()).sum();
    let answer = JsonText::from_text(serde_json::to_string(answer)?)?;
    let fits = bytes <= FAST_PATH_BYTES_MAX && answer.as_str().len() <= FAST_PATH_ANSWER_BYTES_MAX;
    let publications = if fits { parts } else { Vec::new() };
    let pushed = serde_json::to_string(&WriteResult { answer, publications })?;
    Ok(Answer::json(pushed).of_type(WRITE_RESULT_CONTENT_TYPE))
}
