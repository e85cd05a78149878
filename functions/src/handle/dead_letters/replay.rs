//! `POST /api/sync/dead-letters/{id}/replay`: the record is written and its letter closed, in one transaction.

use lambda_http::Request;
use protocol::body::read_body;
use protocol::claims::Claims;
use protocol::ids::Room;
use protocol::timestamp::Timestamp;
use protocol::wire::dead_letters::ReplayRequest;
use sync::dead_letter_id::DeadLetterId;
use sync::decide::commit::CommitPlan;
use sync::replay::{Replay, fully_applied};
use sync::response;

use super::not_found;
use crate::app::SyncApp;
use crate::http::{Answer, HandlerError};
use crate::store::cost::Cost;
use crate::write::{self, Race, answered};

pub(super) async fn replay(
    app: &SyncApp,
    request: &Request,
    claims: &Claims,
    room: &Room,
    id: &DeadLetterId,
    now: Timestamp,
    cost: &mut Cost,
) -> Result<Answer, HandlerError> {
    let body = if request.body().is_empty() { ReplayRequest::default() } else { read_body(request.body())? };
    let mut race = Race::new(request, &claims.sub);
    loop {
        let open = app.store.letter(room, id, cost).await?.ok_or_else(not_found)?;
        let replay = Replay::of(&app.rules, claims.role, &open, body.data.as_ref(), now)?;
        let snapshot = app.store.load(room, replay.push(), cost).await?;
        let (push, plan) = replay.decide(&app.rules, &snapshot, now)?;
        let answer = response::from_plan(&push, &plan, now);
        if !fully_applied(&plan) {
            // It stays where it is, and nothing was written.
            return answered(&answer, Vec::new());
        }
        let planned = CommitPlan::new(&app.rules.tables, room, &push, &plan, Some(&open))?;
        match write::commit(app, planned, now, cost).await? {
            Some(parts) => return answered(&answer, parts),
            None => race.again().await?,
        }
    }
}
