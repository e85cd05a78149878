//! One page of one room.

use protocol::ids::Room;
use protocol::timestamp::Timestamp;
use sync::cursor::walk::Walk;
use sync::log;
use sync::pull::plan::{ReadPlan, begin, nothing_new, plan, settled};
use sync::pull::query::RoomPull;
use sync::pull::{Page, log_page, walk_page};
use sync::snapshot::Head;

use crate::app::SyncApp;
use crate::http::HandlerError;
use crate::store::cost::Cost;

/// The page of `pull` in its room, whose HEAD was read as `head`: out of the log, or out of the records where the log
/// lacks what comes next.
pub(super) async fn page(
    app: &SyncApp,
    head: &Head,
    pull: &RoomPull,
    now: Timestamp,
    cost: &mut Cost,
) -> Result<Page, HandlerError> {
    let walk = match plan(head, pull)? {
        ReadPlan::Nothing => return Ok(nothing_new(head)),
        ReadPlan::Log { position, items } => {
            let items = app.store.log_after(&pull.room, position, items, cost).await?;
            let publication = |item| log::publication(&app.rules.tables, &pull.room, item);
            let log = items.iter().map(|item| publication(item).map_err(HandlerError::fault));
            match log_page::page(head, pull, position, log, now)? {
                Some(page) => return Ok(page),
                None => start(app, head, &pull.room, now, cost).await?,
            }
        }
        ReadPlan::Snapshot => start(app, head, &pull.room, now, cost).await?,
        ReadPlan::Walk(walk) => walk,
    };
    let found = app.store.records_after(&pull.room, walk.after.as_ref(), pull.window.limit, cost).await?;
    Ok(walk_page::page(head, pull, walk, found))
}

/// A new walk. In a room that is being written to, the log says where the last settled commit ends.
async fn start(
    app: &SyncApp,
    head: &Head,
    room: &Room,
    now: Timestamp,
    cost: &mut Cost,
) -> Result<Walk, HandlerError> {
    let settled = settled(now);
    let young = match head.stamp > settled {
        true => app.store.log_after(room, settled, 1, cost).await?,
        false => Vec::new(),
    };
    Ok(begin(head, young.first(), now)?)
}
