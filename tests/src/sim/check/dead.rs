//! I1: whatever was rejected is among the dead letters, once.

use functions::dynamo::item::Item;
use functions::sync::keys;
use protocol::ids::Room;

use super::history::wrong;
use crate::sim::model::Model;
use crate::sim::stored;
use crate::sim::wire;
use crate::sim::world::World;

/// Checks the dead letters of a room.
pub fn check(world: &World, room: &Room, model: &Model) {
    let expected = model.rooms.get(room).map_or(0, |room| room.letters.values().sum());
    let items = stored::partition(world.line.tables(), &keys::room(room));
    let dead = items.iter().filter(|item| wire::key(item, "sk").starts_with("DEAD#"));
    let found: usize = dead.map(open).sum();
    if found != expected {
        wrong(
            &world.journal,
            "dead letters",
            room,
            &format!("there are {found} dead letters, and {expected} records were rejected"),
        );
    }
}

fn open(item: &Item) -> usize {
    item.get("open").and_then(|value| value.as_ns().ok()).map_or(0, Vec::len)
}
