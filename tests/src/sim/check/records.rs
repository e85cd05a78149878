//! I1, I7: what is stored at the end is what the model has, HEAD counts it, and the log tells the same story.

use std::collections::BTreeMap;

use functions::sync::items::to_record;
use functions::sync::keys;
use protocol::ids::Room;
use protocol::record::Operation;

use super::history::{History, wrong};
use super::replayed::{differences, key_of};
use crate::sim::model::{Key, Model};
use crate::sim::stored;
use crate::sim::wire;
use crate::sim::world::World;

/// Checks the records of a room.
pub fn check(world: &World, room: &Room, model: &Model, history: &History) {
    let journal = &world.journal;
    let expected = model.rooms.get(room).cloned().unwrap_or_default();
    let (mut live, mut met): (BTreeMap<String, u64>, Vec<Key>) = (BTreeMap::new(), Vec::new());
    for item in stored::partition(world.line.tables(), &keys::room(room)) {
        let Some(key) = key_of(wire::key(&item, "sk")) else { continue };
        match (to_record(&item), expected.rows.get(&key)) {
            (Ok(record), Some(row)) => {
                if let Some(what) = differences(&key, &record, row) {
                    wrong(journal, "records", room, &format!("{} {}: {what}", key.0, key.1));
                }
                *live.entry(key.0.clone()).or_default() += u64::from(!record.deleted);
            }
            (Ok(_), None) => {
                wrong(journal, "records", room, &format!("{} {} should not be there", key.0, key.1));
            }
            (Err(error), _) => wrong(journal, "records", room, &format!("{} {}: {error}", key.0, key.1)),
        }
        met.push(key);
    }
    for key in expected.rows.keys().filter(|key| !met.contains(key)) {
        wrong(journal, "records", room, &format!("{} {} is lost", key.0, key.1));
    }
    let head = stored::head(world.line.tables(), room);
    live.retain(|_, count| *count > 0);
    let counted: BTreeMap<String, u64> = head.live.into_iter().filter(|(_, count)| *count > 0).collect();
    if counted != live {
        wrong(journal, "records", room, &format!("HEAD counts {counted:?}, there are {live:?}"));
    }
    if (head.stamp.0, head.changes) != (expected.head, expected.changes) {
        let (stamp, changes) = (head.stamp.0, head.changes);
        let what =
            format!("HEAD is at {stamp} after {changes}, not {} after {}", expected.head, expected.changes);
        wrong(journal, "records", room, &what);
    }
    story(world, room, history);
}

/// The log replayed from its beginning is what is stored.
fn story(world: &World, room: &Room, history: &History) {
    let mut told: BTreeMap<Key, (u64, String)> = BTreeMap::new();
    for (stamp, _, change) in history.changes(room) {
        let key = (change.table_name.clone(), change.record_id.clone());
        match change.operation {
            Operation::Delete => drop(told.remove(&key)),
            _ => drop(told.insert(key, (stamp.0, change.data.as_str().to_owned()))),
        }
    }
    let items = stored::partition(world.line.tables(), &keys::room(room));
    let records =
        items.iter().filter_map(|item| Some((key_of(wire::key(item, "sk"))?, to_record(item).ok()?)));
    let found: BTreeMap<Key, (u64, String)> = records
        .filter(|(_, record)| !record.deleted)
        .map(|(key, record)| (key, (record.stamp.0, record.data.as_str().to_owned())))
        .collect();
    if found != told {
        let differs = found.iter().find(|(key, value)| told.get(*key) != Some(*value));
        wrong(&world.journal, "records", room, &format!("the log tells another story, first of {differs:?}"));
    }
}
