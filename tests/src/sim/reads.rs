//! Programs that read single records, which may come from the cache.

use std::sync::Arc;
use std::time::Duration;

use model::Key;
use protocol::endpoints::Endpoint;
use protocol::ids::Room;
use serde_json::{Value, json};

use super::actors::Caller;
use super::api::ApiCall;
use super::event_log::Event;
use super::rng::Rng;
use super::server::ApiRequest;
use super::storage;
use super::world::World;
use functions::sync::keys;

/// Events among whose records a reader chooses: what has just changed is what a cache gets wrong.
const EVENTS: usize = 12;
const MINUTE_MILLIS: u64 = 60_000;

/// Reads records of a random room some times.
pub(crate) fn read(world: &Arc<World>, mut rng: Rng) {
    let Some(device) = rng.pick(&world.devices).cloned() else { return };
    let caller = device.caller();
    let all = recent(world, &caller.room);
    let Some(first) = rng.pick(&all).cloned() else { return };
    let world = world.clone();
    tokio::spawn(async move {
        for _ in 0..rng.between(1, 4) {
            let min = rng.chance(300).then(|| device.read(|state| state.position.0));
            let request = request(&caller, &first, &all, min, &mut rng);
            world.server.call(&caller, ApiRequest::Api(request), &mut rng).await;
            let (at_once, soon, later) = (rng.below(50), rng.below(2000), rng.between(1, 7) * MINUTE_MILLIS);
            let pause = rng.weighted(&[(4, at_once), (4, soon), (1, later)], soon);
            tokio::time::sleep(Duration::from_millis(pause)).await;
        }
    });
}

/// Looks at the statistics of a random room.
pub(crate) fn read_stats(world: &Arc<World>, mut rng: Rng) {
    let Some(device) = rng.pick(&world.devices).cloned() else { return };
    let caller = device.caller();
    let world = world.clone();
    tokio::spawn(async move {
        for _ in 0..rng.between(1, 3) {
            let min = rng.chance(200).then(|| device.read(|state| state.position.0));
            let query = with_min(format!("branch_id={}", caller.room.branch), min);
            let request = ApiCall::new(Endpoint::GetSyncStats, query);
            world.server.call(&caller, ApiRequest::Api(request), &mut rng).await;
            let most = rng.weighted(&[(1, 50), (2, 8000)], 50);
            tokio::time::sleep(Duration::from_millis(rng.below(most))).await;
        }
    });
}

/// A request for the record `first`, perhaps with others of `all`.
fn request(caller: &Caller, first: &Key, all: &[Key], min: Option<u64>, rng: &mut Rng) -> ApiCall {
    let branch = &caller.room.branch;
    if rng.chance(700) {
        let query = format!("table={}&record_id={}&branch_id={branch}", first.0, first.1);
        return ApiCall::new(Endpoint::GetRecord, with_min(query, min));
    }
    let others = (0..rng.below(3)).filter_map(|_| rng.pick(all).cloned());
    let records: Vec<Value> = std::iter::once(first.clone())
        .chain(others.collect::<Vec<_>>())
        .map(|(table, id)| json!({ "table_name": table, "record_id": id }))
        .collect();
    let query = with_min(format!("branch_id={branch}"), min);
    let body = json!({ "records": records }).to_string();
    ApiCall { body, ..ApiCall::new(Endpoint::BatchGetRecords, query) }
}

fn with_min(query: String, min: Option<u64>) -> String {
    match min {
        Some(min) => format!("{query}&min={min}"),
        None => query,
    }
}

/// The records that the latest events of a room have written, and one that does not exist.
pub(crate) fn recent(world: &World, room: &Room) -> Vec<Key> {
    let (pk, mut found) = (keys::room(room), Vec::new());
    let entries = world.log.entries();
    let puts = |event: &Event| match event {
        Event::Committed { puts, .. } => {
            let of_room = puts.iter().filter(|put| storage::key(put, "pk") == pk);
            of_room.filter_map(|put| storage::record_key(storage::key(put, "sk"))).collect()
        }
        _ => Vec::new(),
    };
    for keys in entries.events.iter().rev().map(puts).filter(|keys| !keys.is_empty()).take(EVENTS) {
        found.extend(keys);
    }
    found.retain(|(_, id)| id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-'));
    found.push(("settings".to_owned(), "none".to_owned()));
    found
}
