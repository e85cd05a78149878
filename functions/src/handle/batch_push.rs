//! `POST /api/sync/batch-push`: load → decide → commit → answer, again if a race was lost.

use lambda_http::{Body, Request, Response};
use protocol::error::{ApiError, ErrorCode};
use protocol::timestamp::Timestamp;
use protocol::wire::push::PushResponse;
use sync::decide::commit::CommitPlan;
use sync::marker::Marker;
use sync::push::Push;
use sync::response::MarkerError;
use sync::snapshot::Snapshot;
use sync::{decide, response};

use crate::app::SyncApp;
use crate::http::{Answer, HandlerError, respond};
use crate::store::cost::Cost;
use crate::store::error::StoreError;
use crate::write::{self, Race, answered};

/// Answers a push made at `now`.
pub async fn handle(app: &SyncApp, request: Request, now: Timestamp) -> Response<Body> {
    let mut cost = Cost::default();
    let result = push(app, &request, now, &mut cost).await;
    respond(&request, Some(&cost), result)
}

async fn push(
    app: &SyncApp,
    request: &Request,
    now: Timestamp,
    cost: &mut Cost,
) -> Result<Answer, HandlerError> {
    let claims = app.claims(request, now)?;
    let push = Push::parse(&app.rules.tables, claims.role, request.body())?;
    let room = claims.room_of(push.branch.as_ref())?;
    claims.acts_as(&push.device)?;
    let mut race = Race::new(request, push.device.as_str());
    loop {
        let snapshot = app.store.load(&room, &push, cost).await?;
        let done = if let Some(marker) = &snapshot.marker {
            again(&push, marker, &snapshot, now)?.map(|answer| (answer, Vec::new()))
        } else {
            let plan = decide::decide(&app.rules, &snapshot, &push, now);
            let planned = CommitPlan::new(&app.rules.tables, &room, &push, &plan, None)?;
            let parts = write::commit(app, planned, now, cost).await?;
            parts.map(|parts| (response::from_plan(&push, &plan, now), parts))
        };
        match done {
            Some((answer, parts)) => return answered(&answer, parts),
            None => race.again().await?,
        }
    }
}

/// The answer that a batch was given when it was committed; the room was told then. None, if this was read in the very
/// moment of the commit, and must be read again.
fn again(
    push: &Push,
    marker: &Marker,
    snapshot: &Snapshot,
    now: Timestamp,
) -> Result<Option<PushResponse>, HandlerError> {
    if marker.hash != push.hash {
        let message = "This device used the `batch_id` for another batch; give every batch an id of its own.";
        return Err(ApiError::new(ErrorCode::BatchIdReused, message).into());
    }
    match response::from_marker(push, marker, &snapshot.records, now) {
        Ok(answer) => Ok(Some(answer)),
        Err(MarkerError::TornRead) => Ok(None),
        Err(MarkerError::Corrupt) => Err(StoreError::Corrupt("codes").into()),
    }
}
