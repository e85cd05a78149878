//! The invariants that hold after every run, whatever faults occurred in it. Their numbers are those of
//! ARCHITECTURE.md.

pub(crate) mod acknowledged;
pub(crate) mod carts;
mod commit_order;
pub(crate) mod devices;
pub(crate) mod edits;
pub(crate) mod history;
pub(crate) mod log;
pub(crate) mod model_run;
pub(crate) mod pages;
pub(crate) mod reads;
mod record_groups;
pub(crate) mod records;
pub(crate) mod replays;
pub(crate) mod resolves;
pub(crate) mod responses;
mod resurrection;
pub(crate) mod stats;
pub(crate) mod sums;
pub(crate) mod tills;
pub(crate) mod timeline;

use std::sync::Arc;

use super::world::World;

/// Actions that the functions may send. Scan is not among them.
const ACTIONS: [&str; 6] =
    ["BatchGetItem", "GetItem", "PutItem", "Query", "TransactWriteItems", "UpdateItem"];

/// Checks a run that has settled. Violations go to its log.
pub(crate) async fn check(world: &Arc<World>) {
    let log = &world.log;
    let actions: Vec<String> = log.entries().requests.keys().cloned().collect();
    for action in actions.iter().filter(|action| !ACTIONS.contains(&action.as_str())) {
        log.violation("requests", format!("a function sent {action}"));
    }
    let histories = history::History::all(world);
    for history in &histories {
        log::check_chain(history, log);
        log::check_permanence(history, log);
    }
    pages::check(&histories, log);
    let timeline = timeline::Timeline::of(log);
    reads::check(&timeline, log);
    carts::check(log);
    edits::check(world);
    let model_run = model_run::ModelRun::of(log);
    record_groups::check(&model_run, log);
    if !log.entries().violations.is_empty() {
        // Later checks would only repeat the consequences.
        return;
    }
    responses::check(&model_run, log);
    resolves::check(&model_run, &timeline, log);
    stats::check(&model_run, &timeline, log);
    acknowledged::check(world, &model_run);
    let Some(history) = histories.last() else { return };
    for room in world.rooms() {
        records::check(world, &room, &model_run.model, history);
        devices::check(world, &room, &model_run.model);
        records::check_dead_letters(world, &room, &model_run);
        sums::check(world, &room, history, &model_run);
    }
    tills::check(world, &histories);
    tills::check_head_office(world);
    tills::check_fresh(world).await;
    carts::check_latest(world).await;
}
