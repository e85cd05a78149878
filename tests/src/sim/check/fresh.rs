//! I3: whoever comes new gets the same, in large pages and in small ones.

use std::sync::Arc;

use protocol::wire::pull::PullResponse;

use super::rooms;
use crate::sim::cast::Caller;
use crate::sim::dice::Dice;
use crate::sim::server::Ask;
use crate::sim::world::World;
use crate::till::rows::Rows;
use crate::till::state::State;

/// Pages that a till of a run may need.
const PAGES_MAX: usize = 5000;

/// Checks that a fresh till of each room ends with what the tills of that room hold.
pub async fn check(world: &Arc<World>) {
    for room in rooms(world) {
        let Some(old) = world.devices.iter().find(|device| device.part.caller.room == room) else { continue };
        let held = old.read(|state| state.rows.live());
        for limit in [1000, 3] {
            match pull(world, &old.part.caller, limit).await {
                Ok(rows) => {
                    for difference in rows.live().differences(&held, 3) {
                        world.journal.find(
                            "fresh till",
                            format!("a fresh till of {room}, {limit} a page: {difference}"),
                        );
                    }
                }
                Err(why) => {
                    world
                        .journal
                        .find("fresh till", format!("a fresh till of {room}, {limit} a page: {why}"));
                }
            }
        }
    }
}

async fn pull(world: &Arc<World>, caller: &Caller, limit: usize) -> Result<Rows, String> {
    let (mut state, mut dice) = (State::default(), Dice::new(limit as u64));
    for _ in 0..PAGES_MAX {
        let query = format!("cursor={}&limit={limit}", state.cursor());
        let Some(reply) = world.server.call(caller, Ask::Pull(query), &mut dice).await else { continue };
        let page: PullResponse = serde_json::from_str(&reply.body).map_err(|_| reply.body.clone())?;
        if page.changes.len() > limit {
            return Err(format!("a page has {} changes", page.changes.len()));
        }
        if !state.take_page(&page).more {
            return Ok(state.rows);
        }
    }
    Err("it never comes to an end".to_owned())
}
