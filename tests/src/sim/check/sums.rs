//! I2, I7: what is in stock is what was there at first, and every delta that a till was told is applied, each once.

use std::collections::{BTreeMap, BTreeSet};

use functions::sync::items::to_record;
use functions::sync::keys;
use protocol::ids::Room;
use protocol::wire::push::{Conflict, PushRecord, PushRequest, PushResponse};

use super::history::{History, wrong};
use super::replayed::{Replay, key_of};
use crate::sim::model::{delta, members, number};
use crate::sim::stored;
use crate::sim::wire;
use crate::sim::world::World;

/// The table whose rows nobody deletes, and its sum.
const TABLE: &str = "product_stock";
const SUM: &str = "quantity";

/// Checks the stock of a room.
pub fn check(world: &World, room: &Room, history: &History, replay: &Replay) {
    let (mut expected, mut forgotten) = (BTreeMap::<String, i128>::new(), BTreeSet::new());
    for (_, _, change) in
        history.changes(room).filter(|(.., change)| change.table_name == TABLE && change.version == 1)
    {
        expected.insert(change.record_id.clone(), sum(change.data.as_str()));
    }
    for device in world.devices.iter().filter(|device| device.part.caller.room == *room) {
        for (batch, answer) in device.answered() {
            if replay.has_forgotten(room, &batch) {
                // Sent again after the 90 days for which a name is known, its deltas count again.
                let touched = batch.records.iter().filter(|record| record.table_name == TABLE);
                forgotten.extend(touched.map(|record| record.record_id.clone()));
            }
            let stock = batch.records.iter().enumerate().filter(|(_, record)| record.table_name == TABLE);
            for (index, record) in stock {
                *expected.entry(record.record_id.clone()).or_default() +=
                    part(&batch, &answer, index, record);
            }
        }
    }
    for item in stored::partition(world.line.tables(), &keys::room(room)) {
        let (Some((table, id)), Ok(record)) = key_and_record(&item) else { continue };
        let found = sum(record.data.as_str());
        let wanted = expected.get(&id).copied().unwrap_or_default();
        if table == TABLE && found != wanted && !forgotten.contains(&id) {
            let (found, wanted) = (number::write(found, 0), number::write(wanted, 0));
            wrong(&world.journal, "sums", room, &format!("{id} has {found}, its deltas make {wanted}"));
        }
    }
}

type Record = Result<sync::record::Record, functions::dynamo::error::StoreError>;

fn key_and_record(item: &functions::dynamo::item::Item) -> (Option<(String, String)>, Record) {
    (key_of(wire::key(item, "sk")), to_record(item))
}

fn sum(data: &str) -> i128 {
    let value = members(data).and_then(|members| number::read(members.get(SUM)?));
    value.unwrap_or_default()
}

/// What one record of a batch has added to what it was created with, by its answer.
fn part(batch: &PushRequest, answer: &PushResponse, index: usize, record: &PushRecord) -> i128 {
    let applied = answer.applied.iter().any(|applied| applied.index == index && applied.version > 1);
    // A conflict over the rest of a record never undoes its deltas.
    let merged = |conflict: &Conflict| conflict.index == index && conflict.reason == "newer_on_server";
    let merged = answer.conflicts.iter().any(merged);
    let undone = batch.atomic && !answer.success;
    let named = record.fields.as_ref().is_none_or(|fields| fields.iter().any(|field| field == SUM));
    let value = record.data.as_ref().and_then(|data| members(data.as_str())?.get(SUM).cloned());
    let value = value.filter(|_| named && !undone && (applied || merged));
    value.and_then(|value| number::read(&delta(&value)?)).unwrap_or_default()
}
