//! `GET /api/sync/dead-letters`, and `POST /api/sync/dead-letters/{id}/replay` and `/discard`.

use protocol::body::read_body;
use protocol::error::ApiError;
use protocol::ids::Room;
use protocol::wire::dead_letters::ReplayRequest;
use protocol::wire::push::PushResponse;
use sync::dead_letter_id::DeadLetterId;
use sync::dead_letters::DeadLettersEntry;
use sync::dead_letters::page::{DeadLettersPage, DeadLettersQuery, page};
use sync::decide::commit::CommitPlan;
use sync::replay::{self, fully_applied, group_damaged, not_found};
use sync::response;

use super::commit::{CommitRetry, commit, respond};
use super::store::Store;
use super::store::counts::StoredCounts;
use crate::context::Context;
use crate::dynamo::cost::Cost;
use crate::dynamo::error::StoreError;
use crate::http::request::FunctionRequest;
use crate::http::response::{HandlerResponse, HandlerResult};

/// Lists a page of rejected records in one Query.
pub async fn list(context: &Context, request: &FunctionRequest<'_>, cost: &mut Cost) -> HandlerResult {
    let (sync, role) = (context.sync()?, request.claims()?.role);
    let room = context.room_of_request(request, cost).await?;
    let query = DeadLettersQuery::parse(request.parameter("limit"), request.parameter("cursor"))?;
    // Read before the letters themselves: see `correct_count`.
    let counts = match query.from() {
        None => Some(sync.store.counts(&room, cost).await?),
        Some(_) => None,
    };
    let (stored, more) = sync.store.dead_letters(&room, query.from(), query.items(), cost).await?;
    let DeadLettersPage { response, damaged } = page(&sync.rules.tables, role, &query, &stored, more);
    damaged.iter().for_each(|key| sync.store.report_damaged_dead_letters(&room, key));
    if let Some(counts) = counts.filter(|_| !more && damaged.is_empty()) {
        correct_count(&sync.store, &room, &counts, &stored, cost).await;
    }
    HandlerResponse::json(&response)
}

/// Corrects the number of open dead letters of `room` to that of `stored`, which are all it has. It differs
/// where a release that did not count has left or closed some. A failure costs only the correction.
async fn correct_count(
    store: &Store,
    room: &Room,
    counts: &StoredCounts,
    stored: &[DeadLettersEntry],
    cost: &mut Cost,
) {
    let open = |entry: &DeadLettersEntry| match entry {
        DeadLettersEntry::Stored(stored) => stored.item.open.len() as u64,
        DeadLettersEntry::Damaged(_) => 0,
    };
    let open: u64 = stored.iter().map(open).sum();
    if counts.counts.dead_letters == open {
        return;
    }
    if let Err(error) = store.correct_dead_letters(room, counts, open, cost).await {
        tracing::warn!(
            error = &error as &dyn std::error::Error,
            "failed to correct the count of dead letters"
        );
    }
}

/// Writes the record of a dead letter, or those of its group, and closes the letters, in one transaction.
pub async fn replay(context: &Context, request: &FunctionRequest<'_>, cost: &mut Cost) -> HandlerResult {
    let (sync, claims, now) = (context.sync()?, request.claims()?, request.now);
    let (id, body) = (id(request)?, request.body());
    let room = context.room_of_request(request, cost).await?;
    let body = if body.is_empty() { ReplayRequest::default() } else { read_body(body)? };
    let mut retry = CommitRetry::new(request, &claims.sub);
    loop {
        let open = sync.store.dead_letters_with(&room, &id, cost).await?.ok_or_else(group_damaged)?;
        let mut push = replay::push(&sync.rules, claims.role, &id, &open, &body, now)?;
        let snapshot = sync.store.load(&room, &push, cost).await?;
        let plan = replay::decide_replay(&sync.rules, &snapshot, &mut push, now)?;
        let response = response::from_plan(&push, &plan, now);
        let response = PushResponse { history: sync.store.history(&room), ..response };
        if !fully_applied(&plan) {
            // A record was rejected again: nothing is written and the letters stay open.
            return respond(&response, Vec::new());
        }
        let commit_plan = CommitPlan::new(&sync.rules.tables, &room, &push, &plan, &open)?;
        match commit(sync, commit_plan, now, cost).await? {
            Some(publications) => return respond(&response, publications),
            None => retry.wait().await?,
        }
    }
}

/// Closes a dead letter without writing its record.
pub async fn discard(context: &Context, request: &FunctionRequest<'_>, cost: &mut Cost) -> HandlerResult {
    let (store, id) = (&context.sync()?.store, id(request)?);
    let room = context.room_of_request(request, cost).await?;
    let caller = id.to_string();
    let mut retry = CommitRetry::new(request, &caller);
    loop {
        let open = store.dead_letter(&room, &id, cost).await?.ok_or_else(not_found)?;
        match store.discard(&room, &open, cost).await {
            Ok(()) => return Ok(HandlerResponse::no_content()),
            // Another dead letter of the same item was closed at the same moment.
            Err(StoreError::Lost) => retry.wait().await?,
            Err(error) => return Err(error.into()),
        }
    }
}

/// The dead letter that the path names. A malformed id is reported as 404.
fn id(request: &FunctionRequest<'_>) -> Result<DeadLetterId, ApiError> {
    request.parameter("id").unwrap_or_default().parse().map_err(|_| not_found())
}
