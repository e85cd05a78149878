//! One page of one of all rooms of a client.

use protocol::timestamp::Timestamp;
use protocol::wire::pull::PullResponse;
use sync::pull::head_office::{BranchRotation, check_branch_count};
use sync::pull::query::ClientPull;

use super::room;
use crate::app::SyncApp;
use crate::http::HandlerError;
use crate::store::cost::Cost;

/// Rooms that are passed over in one request because they give no page: no other branch waits for them.
const PASSED_OVER_MAX: usize = 2;

/// Answers a pull of all rooms: every HEAD is read, and a page of one room that is behind.
pub(super) async fn answer(
    app: &SyncApp,
    pull: &ClientPull,
    now: Timestamp,
    cost: &mut Cost,
) -> Result<PullResponse, HandlerError> {
    let branches = app.store.branches(&pull.client, cost).await?;
    check_branch_count(branches.len())?;
    let heads = app.store.heads(&pull.client, branches, cost).await?;
    let mut branches = BranchRotation::new(pull, heads);
    let mut passed_over = 0;
    loop {
        let Some((one, head)) = branches.next(pull) else { return Ok(branches.nothing_new()) };
        match room::page(app, head, &one, now, cost).await {
            Ok(page) => return Ok(branches.response(&one.room.branch, page)),
            Err(failed) if passed_over == PASSED_OVER_MAX => return Err(failed),
            Err(failed) => {
                tracing::warn!(room = %one.room, error = ?failed, "a room has no page for head office");
                branches.skip(&one.room.branch);
                passed_over += 1;
            }
        }
    }
}
