//! I2, I7: what is in stock is what was there at first, and every delta that a till was told is applied, each once.

use std::collections::BTreeMap;

use functions::store::item::to_record;
use functions::store::keys;
use shared::protocol::push::{PushAnswer, PushBody, RecordBody};
use shared::tenant::Room;

use super::history::wrong;
use super::replayed::key_of;
use crate::sim::model::{delta, members, number};
use crate::sim::stored;
use crate::sim::wire;
use crate::sim::world::World;

/// The table whose rows nobody deletes, and its sum.
const TABLE: &str = "product_stock";
const SUM: &str = "quantity";

/// Checks the stock of a room.
pub fn check(world: &World, room: &Room) {
    let mut expected: BTreeMap<String, i128> = BTreeMap::new();
    for device in world.devices.iter().filter(|device| device.part.caller.room == *room) {
        for (batch, answer) in device.answered() {
            for (index, record) in
                batch.records.iter().enumerate().filter(|(_, record)| record.table_name == TABLE)
            {
                *expected.entry(record.record_id.clone()).or_default() +=
                    part(&batch, &answer, index, record);
            }
        }
    }
    for item in stored::partition(world.line.tables(), &keys::room(room)) {
        let (Some((table, id)), Ok(record)) = key_and_record(&item) else { continue };
        let members = members(record.data.as_str()).unwrap_or_default();
        let found = members.get(SUM).and_then(|value| number::read(value)).unwrap_or_default();
        let wanted = expected.get(&id).copied().unwrap_or_default();
        if table == TABLE && found != wanted {
            let (found, wanted) = (number::write(found), number::write(wanted));
            wrong(&world.journal, "sums", room, &format!("{id} has {found}, its deltas make {wanted}"));
        }
    }
}

type Record = Result<shared::record::Record, functions::store::error::StoreError>;

fn key_and_record(item: &functions::store::item::Item) -> (Option<(String, String)>, Record) {
    (key_of(wire::key(item, "sk")), to_record(item))
}

/// What one record of a batch has added, by its answer.
fn part(batch: &PushBody, answer: &PushAnswer, index: usize, record: &RecordBody) -> i128 {
    let applied = answer.applied.iter().find(|applied| applied.index == index);
    // A conflict over the rest of a record never undoes its deltas.
    let merged = answer
        .conflicts
        .iter()
        .any(|conflict| conflict.index == index && conflict.reason == "newer_on_server");
    let undone = batch.atomic && !answer.success;
    let value = record.data.as_ref().and_then(|data| members(data.as_str())?.get(SUM).cloned());
    let Some(value) = value.filter(|_| !undone && (applied.is_some() || merged)) else { return 0 };
    // The same create twice in one batch is applied once and then held, at the same place.
    let first =
        |stamp| answer.applied.iter().find(|applied| applied.stamp == stamp).map(|applied| applied.index);
    let created = applied.is_some_and(|applied| {
        applied.version == 1 && applied.stamp > answer.prev && first(applied.stamp) == Some(index)
    });
    let named = record.fields.as_ref().is_none_or(|fields| fields.iter().any(|field| field == SUM));
    match delta(&value) {
        Some(text) if created || named => number::read(&text).unwrap_or_default(),
        None if created => number::read(&value).unwrap_or_default(),
        _ => 0,
    }
}
