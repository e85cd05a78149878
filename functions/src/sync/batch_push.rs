//! `POST /api/sync/batch-push`

use protocol::error::{ApiError, ErrorCode};
use protocol::ids::Room;
use protocol::timestamp::Timestamp;
use protocol::wire::push::PushResponse;
use sync::clocks::ClockReading;
use sync::decide::commit::{CommitPlan, Decided};
use sync::marker::Marker;
use sync::marker::MarkerError;
use sync::push::Push;
use sync::response::RetryError;
use sync::snapshot::Snapshot;
use sync::{decide, response};

use super::commit::{CommitRetry, commit, respond};
use super::items::MARKER;
use super::store::Store;
use crate::context::Context;
use crate::dynamo::cost::Cost;
use crate::dynamo::error::StoreError;
use crate::http::error::HandlerError;
use crate::http::request::FunctionRequest;
use crate::http::response::HandlerResult;

/// Pushes a batch of records.
pub async fn handle(context: &Context, request: &FunctionRequest<'_>, cost: &mut Cost) -> HandlerResult {
    let (sync, claims, now) = (context.sync()?, request.claims()?, request.now);
    let push = Push::parse(&sync.rules.tables, claims.role, request.body())?;
    let push = push.by(claims.free_user()).arrived(request.arrived_at());
    claims.acts_as(&push.device)?;
    let room = context.room(claims, push.branch.as_ref(), cost).await?;
    let history = sync.store.history(&room);
    let of_history = |response| PushResponse { history: history.clone(), ..response };
    let mut retry = CommitRetry::new(request, push.device.as_str());
    loop {
        let snapshot = sync.store.load(&room, &push, cost).await?;
        if snapshot.is_marker_damaged {
            let response = response::from_damaged_marker(&push, &snapshot, now);
            return respond(&of_history(response), Vec::new());
        }
        if let Some(marker) = snapshot.settled(&push.hash, push.user.as_deref()) {
            if let Some(response) = repeat(&push, marker, &snapshot, now)? {
                return respond(&of_history(response), Vec::new());
            }
        } else {
            let plan = decide::decide(&sync.rules, &snapshot, &push, now);
            let commit_plan = CommitPlan::new(&sync.rules.tables, &room, &push, &plan, &[])?;
            if let Some(publications) = commit(sync, commit_plan, now, cost).await? {
                let decided = [Decided { push: &push, plan: &plan }];
                note_clocks(&sync.store, &room, &decided, now, cost).await;
                return respond(&of_history(response::from_plan(&push, &plan, now)), publications);
            }
        }
        retry.wait().await?;
    }
}

/// Stores the readings of the devices' clocks with pushes that wrote something. A failure costs only the
/// readings.
pub(super) async fn note_clocks<'a>(
    store: &Store,
    room: &Room,
    decided: &[Decided<'a>],
    now: Timestamp,
    cost: &mut Cost,
) {
    let reading = |&Decided { push, plan }: &Decided<'a>| {
        let device_time = push.device_time.filter(|_| !plan.changes.is_empty())?;
        Some((push.author(), ClockReading::new(device_time, push.arrived_at.unwrap_or(now))))
    };
    let readings: Vec<_> = decided.iter().filter_map(reading).collect();
    let readings: Vec<_> = readings.iter().map(|(device, reading)| (device.as_ref(), *reading)).collect();
    if let Err(error) = store.note_clocks(room, &readings, cost).await {
        tracing::warn!(%error, "failed to store clock readings");
    }
}

/// The response that a batch got when it was committed; its room was told then. `None` if the commit happened
/// during the read, which must be repeated.
pub(super) fn repeat(
    push: &Push,
    marker: &Marker,
    snapshot: &Snapshot,
    now: Timestamp,
) -> Result<Option<PushResponse>, HandlerError> {
    if !marker.hash.is_same(&push.hash) {
        let message = "This device used the `batch_id` for another batch; give every batch an id of its own.";
        return Err(ApiError::new(ErrorCode::BatchIdReused, message).into());
    }
    match response::from_marker(push, marker, snapshot, now) {
        Ok(response) => Ok(Some(response)),
        Err(RetryError::TornRead) => Ok(None),
        Err(RetryError::Marker(MarkerError::Corrupt)) => {
            Ok(Some(response::from_damaged_marker(push, snapshot, now)))
        }
        Err(RetryError::UnknownTable) => {
            let message = "The server is being renewed, and this part of it does not know all tables of the batch yet: send it again.";
            Err(ApiError::new(ErrorCode::Unavailable, message).into())
        }
        // An outcome that this release does not know makes another format.
        Err(RetryError::Marker(MarkerError::Newer)) => {
            Err(StoreError::Newer { kind: MARKER.name, format: MARKER.format + 1 }.into())
        }
    }
}
