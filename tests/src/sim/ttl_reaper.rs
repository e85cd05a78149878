//! DynamoDB's time to live: expired items are deleted some time later, not all at once.

use functions::dynamo::item::{Item, as_number};
use functions::sync::keys;
use sync::limits::LOG_RETENTION_SECS;

use super::event_log::Event;
use super::mutation::Mutation;
use super::rng::Rng;
use super::storage;
use super::world::World;

/// Deletes some of the expired items of every room, and of head office.
pub(crate) fn delete_expired(world: &World, rng: &mut Rng) {
    let all = rng.chance(500);
    for room in world.rooms() {
        for pk in [keys::room(&room), keys::log(&room), keys::checkpoints(&room.client)] {
            for item in storage::partition(world.network.tables(), &pk) {
                if is_expired(world, &item) && (all || rng.chance(400)) {
                    let sk = storage::key(&item, "sk").to_owned();
                    storage::delete(world.network.tables(), &pk, &sk);
                    world.log.event(Event::Expired { pk: pk.clone(), sk });
                }
            }
        }
    }
}

fn is_expired(world: &World, item: &Item) -> bool {
    let now = world.clock.now().as_secs();
    let number = |name: &str| item.get(name).and_then(as_number);
    let is_tombstone =
        item.get("deleted").and_then(|value| value.as_bool().ok()).copied().unwrap_or_default();
    if is_tombstone && world.mutation == Some(Mutation::EarlyPurge) {
        return number("stamp").is_some_and(|stamp| stamp / 1_000_000 + LOG_RETENTION_SECS / 7 < now);
    }
    number("ttl").is_some_and(|ttl| ttl < now)
}
