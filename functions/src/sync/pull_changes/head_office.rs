//! A pull of all rooms of a client.

use protocol::timestamp::Timestamp;
use protocol::wire::pull::PullResponse;
use sync::cursor::Cursors;
use sync::pull::head_office::{BranchRotation, check_branch_count};
use sync::pull::query::ClientPull;

use super::room;
use crate::context::SyncContext;
use crate::dynamo::cost::Cost;
use crate::http::error::HandlerError;

/// Maximum number of failing rooms that one request passes over; the next request continues after them.
const FAILED_ROOMS_MAX: usize = 3;

/// Reads every HEAD and a page of one room that has news. A room that cannot be read does not hold up the
/// others; a snapshot of it that was not complete begins again.
pub(super) async fn pull(
    sync: &SyncContext,
    pull: &ClientPull,
    cursors: Cursors<'_>,
    now: Timestamp,
    cost: &mut Cost,
) -> Result<PullResponse, HandlerError> {
    let branches = sync.store.branches(&pull.client, cost).await?;
    check_branch_count(branches.len())?;
    let heads = sync.store.heads(&pull.client, branches, cost).await?;
    let mut branches = BranchRotation::new(pull, heads);
    let mut failure = Ok(());
    for _ in 0..FAILED_ROOMS_MAX {
        let Some((one, head)) = branches.next(pull) else {
            return failure.map(|()| branches.nothing_new(cursors));
        };
        match room::page(sync, head, &one, now, cost).await {
            Ok(page) => return Ok(branches.response(&one.room.branch, page, cursors)),
            // The same request may succeed in a moment, and the snapshot is too dear to begin again.
            Err(error) if branches.is_in_snapshot() && error.is_transient() => return Err(error),
            Err(error) => {
                tracing::warn!(room = %one.room, error = ?error, "head office passes over a room that fails");
                branches.pass(&one.room.branch);
                failure = Err(error);
            }
        }
    }
    // The next request continues after these. At the end of a round, the failure is the answer.
    if branches.has_more_in_this_round() {
        Ok(branches.passed_over(cursors))
    } else {
        failure.map(|()| branches.nothing_new(cursors))
    }
}
