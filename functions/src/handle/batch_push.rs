//! `POST /api/sync/batch-push`: load → decide → commit → answer, again if a race was lost.

use std::time::Duration;

use lambda_http::{Body, Request, Response};
use sha2::{Digest, Sha256};
use shared::error::{Code, Refusal};
use shared::json::JsonText;
use shared::limits::{FAST_PATH_ANSWER_BYTES_MAX, FAST_PATH_BYTES_MAX, PUSH_ATTEMPTS_MAX};
use shared::micros::Micros;
use shared::protocol::publication::Publication;
use shared::protocol::push::{PushAnswer, Pushed};
use shared::protocol::{PUSHED_CONTENT_TYPE, REQUEST_ID_HEADER};
use shared::sync::marker::Marker;
use shared::sync::push::Push;
use shared::sync::snapshot::Snapshot;
use shared::sync::{answer, decide, log};
use shared::tenant::DeviceId;

use crate::app::SyncApp;
use crate::http::{Answer, Failed, respond};
use crate::store::commit::Commit;
use crate::store::cost::Cost;
use crate::store::error::StoreError;

/// Milliseconds that a push waits at most before its second attempt; doubled for each further one.
const BACKOFF_MILLIS: u64 = 15;
/// Milliseconds that a push waits at most before any attempt.
const BACKOFF_MILLIS_MAX: u64 = 400;

/// Answers a push made at `now`.
pub async fn handle(app: &SyncApp, request: Request, now: Micros) -> Response<Body> {
    let mut cost = Cost::default();
    let result = push(app, &request, now, &mut cost).await;
    respond(&request, &cost, result)
}

async fn push(app: &SyncApp, request: &Request, now: Micros, cost: &mut Cost) -> Result<Answer, Failed> {
    let claims = app.claims(request, now)?;
    let push = Push::parse(&app.rules.tables, claims.role, request.body())?;
    let room = claims.room_of(push.branch.as_ref())?;
    claims.acts_as(&push.device)?;
    for attempt in 0..PUSH_ATTEMPTS_MAX {
        let snapshot = app.store.load(&room, &push, cost).await?;
        if let Some(marker) = &snapshot.marker {
            return again(&push, marker, &snapshot, now);
        }
        let plan = decide::decide(&app.rules, &snapshot, &push, now);
        if !plan.fits() {
            let message =
                "The batch writes more than fits one transaction; send its records in smaller batches.";
            return Err(Refusal::new(Code::BatchTooLarge, message).into());
        }
        let parts = log::publications(&app.rules.tables, &room, plan.prev, &push.device, &plan.changes);
        let retention = app.rules.retention;
        let commit = Commit { room: &room, push: &push, plan: &plan, parts: &parts, retention, now };
        match app.store.commit(&commit, cost).await {
            Ok(()) => return answered(&answer::answer(&push, &plan, now), parts),
            Err(StoreError::Lost) => back_off(request, &push.device, attempt).await,
            Err(error) => return Err(error.into()),
        }
    }
    let message =
        "Too many devices wrote to this branch at once. Nothing is lost: send the same batch again.";
    Err(Refusal::new(Code::Busy, message).into())
}

/// The answer that a batch was given when it was committed; the room was told then.
fn again(push: &Push, marker: &Marker, snapshot: &Snapshot, now: Micros) -> Result<Answer, Failed> {
    if marker.hash != push.hash {
        let message = "This device used the `batch_id` for another batch; give every batch an id of its own.";
        return Err(Refusal::new(Code::BatchIdReused, message).into());
    }
    let answer = answer::again(push, marker, &snapshot.records, now).ok_or(StoreError::Corrupt("codes"))?;
    answered(&answer, Vec::new())
}

/// The client's answer with the commit beside it, unless that is too large for the fast path.
fn answered(answer: &PushAnswer, parts: Vec<Publication>) -> Result<Answer, Failed> {
    let bytes: usize =
        parts.iter().flat_map(|part| &part.changes).map(|change| change.data.as_str().len()).sum();
    let answer = JsonText::from_text(serde_json::to_string(answer)?)?;
    let fits = bytes <= FAST_PATH_BYTES_MAX && answer.as_str().len() <= FAST_PATH_ANSWER_BYTES_MAX;
    let publications = if fits { parts } else { Vec::new() };
    let pushed = serde_json::to_string(&Pushed { answer, publications })?;
    Ok(Answer::json(pushed).of_type(PUSHED_CONTENT_TYPE))
}

/// Waits with full jitter, so that devices that collided do not collide again. It is drawn from the request's name,
/// which nobody else has, so that a run can be replayed to the microsecond.
async fn back_off(request: &Request, device: &DeviceId, attempt: u32) {
    let most = BACKOFF_MILLIS.saturating_mul(1 << attempt.min(10)).min(BACKOFF_MILLIS_MAX);
    let id = request.headers().get(REQUEST_ID_HEADER).map_or(&[][..], |id| id.as_bytes());
    let mut hasher = Sha256::new();
    hasher.update(id);
    hasher.update(device.as_str());
    hasher.update(attempt.to_le_bytes());
    let drawn = hasher.finalize().iter().take(4).fold(0_u64, |drawn, &byte| drawn << 8 | u64::from(byte));
    let millis = drawn % (most + 1);
    tracing::debug!(%device, attempt, millis, "lost a race");
    tokio::time::sleep(Duration::from_millis(millis)).await;
}
