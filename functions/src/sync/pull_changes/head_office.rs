//! A pull of all rooms of a client.

use protocol::timestamp::Timestamp;
use protocol::wire::pull::PullResponse;
use sync::pull::head_office::{BranchRotation, check_branch_count};
use sync::pull::query::ClientPull;

use super::room;
use crate::context::SyncContext;
use crate::dynamo::cost::Cost;
use crate::http::error::HandlerError;

/// Maximum number of failing rooms that one request skips, so that they do not hold up the other branches.
const SKIPPED_ROOMS_MAX: usize = 2;

/// Reads every HEAD and a page of one room that has news.
pub(super) async fn pull(
    sync: &SyncContext,
    pull: &ClientPull,
    now: Timestamp,
    cost: &mut Cost,
) -> Result<PullResponse, HandlerError> {
    let branches = sync.store.branches(&pull.client, cost).await?;
    check_branch_count(branches.len())?;
    let heads = sync.store.heads(&pull.client, branches, cost).await?;
    let mut branches = BranchRotation::new(pull, heads);
    let mut skipped = 0;
    loop {
        let Some((one, head)) = branches.next(pull) else { return Ok(branches.nothing_new()) };
        match room::page(sync, head, &one, now, cost).await {
            Ok(page) => return Ok(branches.response(&one.room.branch, page)),
            Err(error) if skipped == SKIPPED_ROOMS_MAX => return Err(error),
            Err(error) => {
                tracing::warn!(room = %one.room, error = ?error, "head office skips a room that fails");
                branches.skip(&one.room.branch);
                skipped += 1;
            }
        }
    }
}
