//! DynamoDB's expiry: what is past its `ttl` is deleted, now and then, and not all of it.

use functions::dynamo::item::{Item, as_number};
use functions::sync::keys;
use sync::limits::LOG_RETENTION_SECS;

use super::dice::Dice;
use super::journal::Event;
use super::sabotage::Sabotage;
use super::stored;
use super::wire;
use super::world::World;

/// Deletes some of what has expired in every room.
pub fn sweep(world: &World, dice: &mut Dice) {
    let thorough = dice.permille(500);
    let mut rooms: Vec<_> = world.devices.iter().map(|device| device.part.caller.room.clone()).collect();
    rooms.sort();
    rooms.dedup();
    for room in rooms {
        for pk in [keys::room(&room), keys::log(&room)] {
            for item in stored::partition(world.line.tables(), &pk) {
                if is_expired(world, &item) && (thorough || dice.permille(400)) {
                    let sk = wire::key(&item, "sk").to_owned();
                    stored::delete(world.line.tables(), &pk, &sk);
                    world.journal.event(Event::Swept { pk: pk.clone(), sk });
                }
            }
        }
    }
}

fn is_expired(world: &World, item: &Item) -> bool {
    let now = world.clock.now().as_secs();
    let number = |name: &str| item.get(name).and_then(as_number);
    let tombstone =
        item.get("deleted").and_then(|value| value.as_bool().ok()).is_some_and(|deleted| *deleted);
    if tombstone && world.sabotage == Some(Sabotage::EarlyPurge) {
        return number("stamp").is_some_and(|stamp| stamp / 1_000_000 + LOG_RETENTION_SECS / 7 < now);
    }
    number("ttl").is_some_and(|ttl| ttl < now)
}
