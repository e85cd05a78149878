//! The notes of the stream in the list of branches: late, out of order, and some lost.

use std::sync::Arc;
use std::time::Duration;

use protocol::ids::Room;
use protocol::stamp::Stamp;

use super::network::CALL;
use super::release::Release;
use super::rng::Rng;
use super::world::World;

/// Longest time from a commit to its note in milliseconds.
const DELAY_MILLIS_MAX: u64 = 5_000;

/// Notes the commit `stamp` of `room` for head office, unless the note is lost.
pub(crate) fn write(world: &Arc<World>, room: Room, stamp: Stamp, mut rng: Rng) {
    if rng.chance(world.fault_rates().note_lost) {
        return;
    }
    let (server, call) = (world.server.clone(), world.server.call_context(&mut rng));
    tokio::spawn(CALL.scope(call, async move {
        tokio::time::sleep(Duration::from_millis(rng.below(DELAY_MILLIS_MAX))).await;
        let functions = server.deployment.functions(Release::Now);
        let noted = match functions.batch_push.sync() {
            Ok(sync) => sync.store.note_commit(&room, stamp).await.is_ok(),
            Err(_) => false,
        };
        // As the product does: a failed note is lost.
        server.log.trace(&format!("the note of {} in {room} is written: {noted}", stamp.0));
    }));
}
