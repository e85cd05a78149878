//! Damage: an item of a room becomes unreadable, as by a faulty migration or a mistake by hand.

use functions::sync::keys;
use protocol::ids::Room;
use serde_json::{Value, json};

use super::event_log::Event;
use super::rng::Rng;
use super::storage;
use super::world::World;

/// Damages a random item of a random room.
pub(crate) fn damage(world: &World, rng: &mut Rng) {
    let rooms: Vec<Room> = world.rooms().into_iter().collect();
    let Some(room) = rng.pick(&rooms) else { return };
    let (kind, prefix, pk) = match rng.below(3) {
        0 => ("record damaged", "REC#", keys::room(room)),
        1 => ("marker damaged", "BATCH#", keys::room(room)),
        _ => ("log item damaged", "", keys::log(room)),
    };
    let mut items = storage::json_items(world.network.tables(), &pk);
    items.retain(|item| text(item, "/sk/S").starts_with(prefix));
    let Some(mut item) = rng.pick(&items).cloned() else { return };
    let sk = text(&item, "/sk/S").to_owned();
    let Some(attributes) = item.as_object_mut() else { return };
    match prefix {
        // A write that read the record before fails, because its version is gone.
        "REC#" => drop(attributes.remove("version")),
        "BATCH#" => drop(attributes.insert("codes".to_owned(), json!({ "N": "7" }))),
        _ if rng.chance(500) => drop(attributes.insert("body".to_owned(), json!({ "B": "AAAA" }))),
        _ => drop(attributes.remove("first")),
    }
    storage::put(world.network.tables(), &item);
    world.log.event(Event::Damaged { pk, sk });
    world.log.entries().coverage.situation(kind, true);
}

fn text<'a>(item: &'a Value, pointer: &str) -> &'a str {
    item.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}
