//! The tables at an earlier moment, and putting them back, as point-in-time recovery does.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

use functions::sync::keys;
use protocol::timestamp::Timestamp;
use serde_json::Value;

use super::event_log::Event;
use super::lock;
use super::storage;
use super::world::World;
use crate::till::acknowledged::ACKNOWLEDGED_MICROS;

/// How old a copy may be when it is put back: tills keep what they pushed for a little longer.
const AGE_MICROS_MAX: u64 = ACKNOWLEDGED_MICROS - 24 * 3600 * 1_000_000;

/// Partition key and sort key.
type Key = (String, String);

/// All tables as they were at one moment.
#[derive(Debug)]
pub(crate) struct TablesCopy {
    /// The number of events before it.
    event: usize,
    at: Timestamp,
    items: BTreeMap<Key, Value>,
}

/// Copies the tables, in place of the copy before.
pub(crate) fn copy(world: &World) {
    let event = world.log.entries().events.len();
    world.log.event(Event::Copied);
    let copy = TablesCopy { event, at: world.clock.now(), items: items(world) };
    *lock(&world.copy) = Some(copy);
}

/// Makes the tables what they were when they were copied. Calls that run now never reach the new tables.
pub(crate) fn put_back(world: &World) {
    let copy = lock(&world.copy);
    let is_young = |copy: &&TablesCopy| copy.at.0.saturating_add(AGE_MICROS_MAX) > world.clock.now().0;
    let Some(copy) = copy.as_ref().filter(is_young) else { return };
    let calls = world.server.calls.load(Ordering::Relaxed);
    world.network.cut_off(calls);
    let tables = world.network.tables();
    let now = items(world);
    for (pk, sk) in now.keys().filter(|key| !copy.items.contains_key(*key)) {
        storage::delete(tables, pk, sk);
    }
    for (_, item) in copy.items.iter().filter(|(key, item)| now.get(*key) != Some(*item)) {
        storage::put(tables, item);
    }
    world.log.event(Event::Restored { copy: copy.event, calls });
    // The runbook in OPERATIONS.md says so: the cache holds records of the lost time.
    world.redis.clear();
}

fn items(world: &World) -> BTreeMap<Key, Value> {
    let mut items = BTreeMap::new();
    for room in world.rooms() {
        let of_room = [keys::room(&room), keys::log(&room), keys::damage(&room)];
        let of_client = [keys::client(&room.client), keys::checkpoints(&room.client)];
        for pk in of_room.into_iter().chain(of_client) {
            for item in storage::json_items(world.network.tables(), &pk) {
                let sk = item.pointer("/sk/S").and_then(Value::as_str).unwrap_or_default().to_owned();
                items.insert((pk.clone(), sk), item);
            }
        }
    }
    items
}
