//! I3: a new till gets the same records as the others, in large pages and in small ones.

use std::sync::Arc;

use protocol::wire::pull::PullResponse;

use crate::sim::actors::Caller;
use crate::sim::rng::Rng;
use crate::sim::server::ApiRequest;
use crate::sim::world::World;
use crate::till::rows::Rows;
use crate::till::state::State;

/// Maximum number of requests of one till.
const REQUESTS_MAX: usize = 5000;

/// Pulls each room from the beginning and compares with a till of that room.
pub(crate) async fn check(world: &Arc<World>) {
    for room in world.rooms() {
        let Some(old) = world.devices.iter().find(|device| device.actor.caller.room == room) else {
            continue;
        };
        let expected = old.read(|state| state.rows.live());
        for limit in [1000, 3] {
            let differences = match pull(world, &old.actor.caller, limit).await {
                Ok(rows) => rows.live().differences(&expected, 3),
                Err(error) => vec![error],
            };
            for difference in differences {
                let what = format!("a fresh till of {room} with pages of {limit}: {difference}");
                world.log.violation("fresh till", what);
            }
        }
    }
}

async fn pull(world: &Arc<World>, caller: &Caller, limit: usize) -> Result<Rows, String> {
    let (mut state, mut rng) = (State::default(), Rng::new(limit as u64));
    for _ in 0..REQUESTS_MAX {
        let request = ApiRequest::Pull(format!("cursor={}&limit={limit}", state.cursor()));
        let Some(reply) = world.server.call(caller, request, &mut rng).await else { continue };
        let page: PullResponse = serde_json::from_str(&reply.body).map_err(|_| reply.body.clone())?;
        if page.changes.len() > limit {
            return Err(format!("a page has {} changes", page.changes.len()));
        }
        if !state.take_page(&page).more {
            return Ok(state.rows);
        }
    }
    Err("the pull does not end".to_owned())
}
