//! A person who looks at the statistics of a branch. The cache in front of them is not part of a run:
//! tests/e2e/sync/stats.rs.

use std::sync::Arc;

use functions::dynamo::cost::Cost;
use protocol::ids::Room;
use sync::stats::RoomFigures;

use super::network::CALL;
use super::rng::Rng;
use super::world::World;

/// What the statistics of a room were at some moment.
#[derive(Clone, Debug)]
pub(crate) struct SeenFigures {
    pub(crate) call: u64,
    pub(crate) room: Room,
    pub(crate) figures: RoomFigures,
}

/// Reads the figures of a random room.
pub(crate) fn read(world: &Arc<World>, mut rng: Rng) {
    let rooms: Vec<Room> = world.rooms().into_iter().collect();
    let Some(room) = rng.pick(&rooms).cloned() else { return };
    let (world, context) = (world.clone(), world.server.call_context(&mut rng));
    tokio::spawn(CALL.scope(context.clone(), async move {
        let release = world.server.deployment.pick(&mut rng);
        let Ok(sync) = world.server.deployment.functions(release).dead_letters.sync() else { return };
        match sync.store.figures(&room, world.clock.now(), &mut Cost::default()).await {
            Ok(figures) => {
                let seen = SeenFigures { call: context.number, room, figures };
                world.log.entries().figures.push(seen);
            }
            Err(error) if error.is_damage() => {
                let what = format!("the statistics of {room} cannot be read: {error}");
                world.log.violation("stats", what);
            }
            // The database did not answer.
            Err(_) => {}
        }
    }));
}
