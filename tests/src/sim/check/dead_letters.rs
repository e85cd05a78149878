//! I1: each rejected record is among the dead letters, once.

use functions::sync::keys;
use model::Model;
use protocol::ids::Room;

use crate::sim::world::World;
use crate::sim::{dynamo_json, storage};

pub(crate) fn check(world: &World, room: &Room, model: &Model) {
    let expected: usize = model.rooms.get(room).map_or(0, |room| room.dead_letters.values().sum());
    let items = storage::partition(world.network.tables(), &keys::room(room));
    let letters = items.iter().filter(|item| dynamo_json::key(item, "sk").starts_with("DEAD#"));
    let open = letters.filter_map(|item| Some(item.get("open")?.as_ns().ok()?.len()));
    let found: usize = open.sum();
    if found != expected {
        let what = format!("{room}: there are {found} dead letters, but {expected} records were rejected");
        world.log.violation("dead letters", what);
    }
}
