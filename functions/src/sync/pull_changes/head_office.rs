//! A pull of all rooms of a client.

use protocol::timestamp::Timestamp;
use protocol::wire::pull::PullResponse;
use sync::cursor::Cursors;
use sync::cursor::vector::Others;
use sync::pull::head_office::{BranchRotation, ClientPage, check_branch_count};
use sync::pull::query::{ClientPull, ClientStart};

use super::room;
use crate::context::SyncContext;
use crate::dynamo::cost::Cost;
use crate::http::error::HandlerError;

/// Maximum number of failing rooms that one request passes over; the next request continues after them.
const FAILED_ROOMS_MAX: usize = 3;

/// Reads the list of branches, the HEADs of those that may have news, and a page of one of them. Stores the
/// checkpoint that the cursor names, if that is a new one.
pub(super) async fn pull(
    sync: &SyncContext,
    pull: &ClientPull,
    cursors: Cursors<'_>,
    now: Timestamp,
    cost: &mut Cost,
) -> Result<PullResponse, HandlerError> {
    let branches = sync.store.branches(&pull.client, cost).await?;
    check_branch_count(branches.len())?;
    let retention = sync.rules.retention;
    let checkpoint = match &pull.start {
        ClientStart::Vector(vector) => match vector.others {
            Others::Checkpoint(id) => sync.store.checkpoint(&pull.client, id, retention, now, cost).await?,
            _ => None,
        },
        ClientStart::Time(_) => None,
    };
    let branches = BranchRotation::new(pull, checkpoint, branches);
    let ClientPage { response, stores } = page(sync, pull, branches, cursors, now, cost).await?;
    if let Some(stored) = stores {
        sync.store.keep_checkpoint(&pull.client, &stored, retention, now, cost).await?;
    }
    Ok(response)
}

/// A page of one room that has news. A room that cannot be read does not hold up the others; a snapshot of it
/// that was not complete begins again.
async fn page(
    sync: &SyncContext,
    pull: &ClientPull,
    mut branches: BranchRotation,
    cursors: Cursors<'_>,
    now: Timestamp,
    cost: &mut Cost,
) -> Result<ClientPage, HandlerError> {
    let mut failure = Ok(());
    for _ in 0..FAILED_ROOMS_MAX {
        loop {
            let unread = branches.unread();
            if unread.is_empty() {
                break;
            }
            branches.read(sync.store.heads(&pull.client, unread, cost).await?);
        }
        let Some((one, head)) = branches.next(pull) else {
            return failure.map(|()| branches.nothing_new(cursors));
        };
        match room::page(sync, head, &one, now, cost).await {
            Ok(page) => {
                let ClientPage { response, stores } = branches.response(&one.room.branch, page, cursors);
                let history = sync.store.history(&one.room);
                return Ok(ClientPage { response: PullResponse { history, ..response }, stores });
            }
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
