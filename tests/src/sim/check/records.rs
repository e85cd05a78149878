//! I1, I7: the stored records are those of the model and those of the log, HEAD counts them, and each
//! rejected record is among the dead letters, once. Dead letters and conflicts are counted exactly.

use std::collections::{BTreeMap, BTreeSet};

use functions::sync::items::counts::to_room_counts;
use functions::sync::keys;
use model::{Key, Model};
use protocol::ids::Room;
use protocol::record::Operation;
use sync::counts::RoomCounts;
use sync::snapshot::Head;

use super::history::History;
use super::model_run::{ModelRun, difference};
use crate::sim::storage;
use crate::sim::world::World;

pub(crate) fn check(world: &World, room: &Room, model: &Model, history: &History) {
    let wrong = |what: String| world.log.violation("records", format!("{room}: {what}"));
    let expected = model.rooms.get(room).cloned().unwrap_or_default();
    let (mut live, mut stored): (BTreeMap<String, u64>, Vec<Key>) = (BTreeMap::new(), Vec::new());
    for (key, record) in storage::records(world.network.tables(), room) {
        let row = expected.rows.get(&key);
        let is_damaged = record.is_err() && expected.damaged.contains(&key);
        let is_live = match &record {
            Ok(record) => !record.deleted,
            Err(_) => is_damaged && row.is_some_and(|row| !row.deleted),
        };
        *live.entry(key.0.clone()).or_default() += u64::from(is_live);
        // Nothing tells what a damaged record is.
        let problem = if is_damaged { None } else { difference(&key, &record, row) };
        if let Some(problem) = problem {
            wrong(format!("{} {}: {problem}", key.0, key.1));
        }
        stored.push(key);
    }
    for key in expected.rows.keys().filter(|key| !stored.contains(key)) {
        wrong(format!("{} {} is missing", key.0, key.1));
    }
    let head = storage::head(world.network.tables(), room);
    if let Some(change) = unbounded(&head, room, history) {
        wrong(format!("HEAD says that {change} was not changed as late as it was"));
    }
    let counted: BTreeMap<String, u64> = head.live.into_iter().filter(|(_, count)| *count > 0).collect();
    live.retain(|_, count| *count > 0);
    if counted != live {
        wrong(format!("HEAD counts {counted:?}, but there are {live:?}"));
    }
    let (stamp, changes) = (head.stamp.0, head.changes);
    if (stamp, changes) != (expected.head, expected.changes) {
        let (head, total) = (expected.head, expected.changes);
        wrong(format!("HEAD is at {stamp} after {changes} changes, not at {head} after {total}"));
    }
    if let Some(difference) = log_difference(world, room, history) {
        wrong(format!("the log and the records differ, first in {difference}"));
    }
}

/// A table that was changed after the stamp that HEAD has for it.
fn unbounded(head: &Head, room: &Room, history: &History) -> Option<String> {
    let stamps = head.table_stamps.as_ref().filter(|stamps| stamps.as_of == head.stamp)?;
    let bound = |table: &str| stamps.last.get(table).copied().unwrap_or(stamps.others);
    let mut changes = history.changes(room);
    changes
        .find(|(stamp, change)| *stamp > bound(&change.table_name))
        .map(|(_, change)| change.table_name.clone())
}

pub(crate) fn check_dead_letters(world: &World, room: &Room, run: &ModelRun) {
    let rejected: usize = run.model.rooms.get(room).map_or(0, |room| room.dead_letters.values().sum());
    let expected = rejected.saturating_sub(run.state.closed.get(room).map_or(0, BTreeSet::len));
    let items = storage::partition(world.network.tables(), &keys::room(room));
    let letters = items.iter().filter(|item| storage::key(item, "sk").starts_with("DEAD#"));
    let found: usize = letters.filter_map(|item| Some(item.get("open")?.as_ns().ok()?.len())).sum();
    if found != expected {
        let what = format!("{room}: there are {found} open dead letters, not {expected}");
        world.log.violation("dead letters", what);
    }
    let counts = items.iter().find(|item| storage::key(item, "sk") == keys::COUNTS).map(to_room_counts);
    let counted = counts.and_then(Result::ok).unwrap_or_default().0;
    let conflicts = run.state.conflicts.get(room).copied().unwrap_or_default();
    let expected = RoomCounts { dead_letters: expected as u64, conflicts };
    if counted != expected {
        world.log.violation("counts", format!("{room}: {counted:?} are counted, not {expected:?}"));
    }
}

/// Replays the log from its beginning. Returns a difference to the stored records.
fn log_difference(world: &World, room: &Room, history: &History) -> Option<String> {
    let mut logged: BTreeMap<Key, (u64, String)> = BTreeMap::new();
    for (stamp, change) in history.changes(room) {
        let key = (change.table_name.clone(), change.record_id.clone());
        match change.operation {
            Operation::Delete => drop(logged.remove(&key)),
            _ => drop(logged.insert(key, (stamp.0, change.data.as_str().to_owned()))),
        }
    }
    let records = storage::records(world.network.tables(), room);
    records.iter().filter(|(_, record)| record.is_err()).for_each(|(key, _)| drop(logged.remove(key)));
    let live = records
        .into_iter()
        .filter_map(|(key, record)| Some((key, record.ok().filter(|record| !record.deleted)?)));
    let stored: BTreeMap<Key, (u64, String)> =
        live.map(|(key, record)| (key, (record.stamp.0, record.data.as_str().to_owned()))).collect();
    let first = stored.iter().find(|(key, value)| logged.get(*key) != Some(*value));
    (stored != logged).then(|| format!("{first:?}"))
}
