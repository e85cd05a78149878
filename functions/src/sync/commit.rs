//! What every endpoint that writes shares: committing, retrying a lost commit, and the response for the edge.

use std::time::Duration;

use protocol::error::{ApiError, ErrorCode};
use protocol::json::JsonText;
use protocol::limits::DEAD_LETTERS_MAX;
use protocol::timestamp::Timestamp;
use protocol::wire::WRITE_RESULT_CONTENT_TYPE;
use protocol::wire::publication::Publication;
use protocol::wire::push::{DeadLettersFullDetails, RejectedRecord, WriteResult};
use serde::Serialize;
use sha2::{Digest, Sha256};
use sync::decide::commit::{CommitPlan, Decided};
use sync::response;

use super::store::counts::Counting;
use crate::context::SyncContext;
use crate::dynamo::cost::Cost;
use crate::dynamo::error::StoreError;
use crate::http::error::HandlerError;
use crate::http::request::FunctionRequest;
use crate::http::response::{HandlerResponse, HandlerResult};
use crate::limits::{FAST_PATH_BYTES_MAX, FAST_PATH_RESPONSE_BYTES_MAX, PUSH_ATTEMPTS_MAX};

/// Maximum wait before the second attempt in milliseconds; it doubles with each further attempt.
const BACKOFF_MILLIS: u64 = 15;
/// Maximum wait before any attempt in milliseconds.
const BACKOFF_MILLIS_MAX: u64 = 400;

/// Commits `plan` and returns its publications; `None` if another commit came first: load and decide again.
/// [`ErrorCode::DeadLettersFull`] if the branch cannot keep the records that it rejects.
pub async fn commit(
    sync: &SyncContext,
    plan: CommitPlan<'_>,
    now: Timestamp,
    cost: &mut Cost,
) -> Result<Option<Vec<Publication>>, HandlerError> {
    let counting = sync.store.counting(&plan, now, cost).await?;
    if matches!(counting, Counting::Committed) {
        return Ok(Some(plan.into_publications()));
    }
    if counting.dead_letters() > DEAD_LETTERS_MAX as u64 {
        return Err(dead_letters_full(&plan, now).into());
    }
    match sync.store.commit(&plan, &counting, sync.rules.retention, now, cost).await {
        Ok(()) => Ok(Some(plan.into_publications())),
        Err(StoreError::Lost) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Refuses pushes whose rejected records cannot be kept: their device still has all records, and learns which
/// ones to take out.
fn dead_letters_full(plan: &CommitPlan<'_>, now: Timestamp) -> ApiError {
    let responses = plan.decided.iter().map(|Decided { push, plan }| response::from_plan(push, plan, now));
    // Nothing is written, so these are no copies of the server.
    let without_copy = |error: RejectedRecord| RejectedRecord {
        server_data: None,
        server_updated_at: None,
        server_version: None,
        server_stamp: None,
        server_device_id: None,
        server_is_deleted: false,
        data_omitted: false,
        ..error
    };
    let errors = responses.flat_map(|response| response.errors).map(without_copy).collect();
    let message = "This branch keeps as many rejected records as it can. Nothing of the batch was applied: send \
                   it without the records in `details`, and keep these until a manager has handled others.";
    ApiError::new(ErrorCode::DeadLettersFull, message).with_details(&DeadLettersFullDetails { errors })
}

/// Backoff between the commits that one request attempts.
pub struct CommitRetry<'a> {
    request_id: &'a [u8],
    caller: &'a str,
    failed: u32,
}

impl<'a> CommitRetry<'a> {
    /// No attempt yet of `request`, which `caller` sent.
    pub fn new(request: &'a FunctionRequest<'_>, caller: &'a str) -> CommitRetry<'a> {
        CommitRetry { request_id: request.id(), caller, failed: 0 }
    }

    /// Waits after a lost attempt; [`ErrorCode::Busy`] after the last one.
    ///
    /// Uses full jitter, so that devices that collided do not collide again. The jitter is a hash of request
    /// id, caller and attempt, so that a simulation replays it exactly.
    pub async fn wait(&mut self) -> Result<(), ApiError> {
        let attempt = self.failed;
        self.failed += 1;
        if self.failed >= PUSH_ATTEMPTS_MAX {
            let message = "Too many devices wrote to this branch at once. Nothing is lost: send the same request again.";
            return Err(ApiError::new(ErrorCode::Busy, message));
        }
        let most = BACKOFF_MILLIS.saturating_mul(1 << attempt.min(10)).min(BACKOFF_MILLIS_MAX);
        let hash = Sha256::new().chain_update(self.request_id).chain_update(self.caller);
        let hash = hash.chain_update(attempt.to_le_bytes()).finalize();
        let drawn = hash.iter().take(4).fold(0_u64, |drawn, &byte| drawn << 8 | u64::from(byte));
        let millis = drawn % (most + 1);
        tracing::debug!(attempt, millis, "another commit came first");
        tokio::time::sleep(Duration::from_millis(millis)).await;
        Ok(())
    }
}

/// The publications for the edge: none if they are too large, which leaves them to `change-stream`.
pub(super) fn fast_path(publications: Vec<Publication>) -> Vec<Publication> {
    let bytes: usize = publications.iter().map(Publication::data_bytes).sum();
    if bytes <= FAST_PATH_BYTES_MAX { publications } else { Vec::new() }
}

/// The caller's response with the publications beside it, which the edge takes out. A large response goes
/// without them: `change-stream` brings them.
pub fn respond(response: &impl Serialize, publications: Vec<Publication>) -> HandlerResult {
    let answer = JsonText::from_text(serde_json::to_string(response)?)?;
    let fits = answer.as_str().len() <= FAST_PATH_RESPONSE_BYTES_MAX;
    let publications = if fits { fast_path(publications) } else { Vec::new() };
    Ok(HandlerResponse::json(&WriteResult { answer, publications })?
        .with_content_type(WRITE_RESULT_CONTENT_TYPE))
}
