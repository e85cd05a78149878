//! What must be true after every run, whatever went wrong in it.

pub mod answers;
pub mod chain;
pub mod dead;
pub mod fresh;
pub mod history;
pub mod promises;
pub mod records;
pub mod replayed;
pub mod sums;
pub mod tills;

use std::collections::BTreeSet;
use std::sync::Arc;

use protocol::ids::Room;

use super::world::World;

/// Actions that the functions may send: a Scan is none of them.
const ACTIONS: [&str; 5] = ["BatchGetItem", "GetItem", "Query", "TransactWriteItems", "UpdateItem"];

/// Checks a run that has come to rest; what is wrong goes into its journal.
pub async fn check(world: &Arc<World>) {
    let journal = &world.journal;
    for action in journal.requests().keys().filter(|action| !ACTIONS.contains(&action.as_str())) {
        journal.find("requests", format!("a function sent {action}"));
    }
    let history = history::History::of(world);
    chain::check(&history, journal);
    promises::check(&history, journal);
    let replay = replayed::replay(journal);
    if !journal.findings().is_empty() {
        // What follows from it would only hide it.
        return;
    }
    answers::check(&replay, journal);
    for room in rooms(world) {
        records::check(world, &room, &replay.model, &history);
        dead::check(world, &room, &replay.model);
        sums::check(world, &room, &history, &replay);
    }
    tills::check(world, &history);
    tills::check_overseer(world);
    fresh::check(world).await;
}

/// Every room of the run.
pub fn rooms(world: &World) -> BTreeSet<Room> {
    world.devices.iter().map(|device| device.part.caller.room.clone()).collect()
}
