//! One page of one of all rooms of a client.

use shared::micros::Micros;
use shared::protocol::pull::PullAnswer;
use shared::sync::pull::head_office::{Branches, few_enough};
use shared::sync::pull::query::ClientPull;

use super::room;
use crate::app::SyncApp;
use crate::http::Failed;
use crate::store::cost::Cost;

/// Answers a pull of all rooms: every HEAD is read, and a page of one room that is behind.
pub(super) async fn answer(
    app: &SyncApp,
    pull: &ClientPull,
    now: Micros,
    cost: &mut Cost,
) -> Result<PullAnswer, Failed> {
    let branches = app.store.branches(&pull.client, cost).await?;
    few_enough(branches.len())?;
    let heads = app.store.heads(&pull.client, branches, cost).await?;
    let branches = Branches::new(pull, heads);
    let Some((one, head)) = branches.next(pull) else { return Ok(branches.nothing_new()) };
    let page = room::page(app, head, &one, now, cost).await?;
    Ok(branches.answer(&one.room.branch, page))
}
