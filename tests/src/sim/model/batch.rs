//! A batch: its records in turn, each seeing what those before it did.

use std::collections::BTreeMap;

use protocol::wire::push::{PushRecord, PushRequest};

use super::record::{Decision, Sight, decide};
use super::write::Write;
use super::{Key, Prediction, Pushed, RoomState, Row, Told};

/// Applies a push to its room.
pub fn push(room: &mut RoomState, pushed: &Pushed<'_>) -> Option<Prediction> {
    let body: PushRequest = serde_json::from_str(pushed.body).ok()?;
    let name = body.batch_id.clone().map(|batch| (body.device_id.clone(), batch));
    let (before, prev) = (room.rows.clone(), room.head);
    let first = pushed.now.0.max(prev + 1);
    let made = BTreeMap::new();
    let mut batch = Batch { room, before: &before, body: &body, pushed, next: first, made };
    let told: Vec<Told> = body.records.iter().map(|record| batch.record(record)).collect();
    let Batch { next, made, .. } = batch;
    let undone = body.atomic && !told.iter().all(|told| matches!(told, Told::Applied { .. }));
    if undone {
        room.rows = before;
        return Some(Prediction { told, prev, stamp: prev, undone, made: BTreeMap::new() });
    }
    let rejected = told.iter().filter(|told| matches!(told, Told::Rejected(_))).count();
    room.letters.insert((first, pushed.now.0, pushed.body.to_owned()), rejected);
    let stamp = if next > first { next - 1 } else { prev };
    room.head = stamp;
    room.changes += next - first;
    let prediction = Prediction { told, prev, stamp, undone, made };
    if let Some(name) = name {
        room.answered.insert(name, prediction.clone());
    }
    Some(prediction)
}

struct Batch<'a> {
    room: &'a mut RoomState,
    before: &'a BTreeMap<Key, Row>,
    body: &'a PushRequest,
    pushed: &'a Pushed<'a>,
    /// The stamp of the next change.
    next: u64,
    /// The version of each record after its last change.
    made: BTreeMap<Key, u64>,
}

impl Batch<'_> {
    fn record(&mut self, body: &PushRecord) -> Told {
        let write = match Write::read(body, self.pushed.role, self.pushed.now.0) {
            Ok(write) => write,
            Err(code) => return Told::Rejected(code),
        };
        let current = self.room.rows.get(&write.key).cloned();
        let read = self.before.get(&write.key);
        let sight = Sight {
            current: current.as_ref(),
            own_step: current.as_ref() != read,
            read: read.map(|row| row.version),
            created: current.as_ref() != read && read.is_none_or(|row| row.deleted),
            device: &self.body.device_id,
            named: self.body.batch_id.is_some(),
            now: self.pushed.now.0,
        };
        let held = current.as_ref().map_or((0, 0), |row| (row.version, row.stamp));
        match decide(&sight, &write) {
            Decision::Store { row, flags } => {
                let (version, stamp) = self.store(&write.key, row);
                let mut flags = [write.flags, flags].concat();
                flags.sort_unstable();
                Told::Applied { version, stamp, flags }
            }
            Decision::Merge { row, reason } => {
                let (version, _) = self.store(&write.key, row);
                Told::Conflict { reason, version }
            }
            Decision::Held => Told::Applied { version: held.0, stamp: held.1, flags: Vec::new() },
            Decision::Conflict(reason) => Told::Conflict { reason, version: held.0 },
            Decision::Reject(code) => Told::Rejected(code),
        }
    }

    /// Stores what a record has become: a new version, a new place.
    fn store(&mut self, key: &Key, row: Row) -> (u64, u64) {
        let current = self.room.rows.get(key);
        let version = current.map_or(0, |row| row.version) + 1;
        let stamp = self.next;
        self.next += 1;
        let mut row = Row { version, stamp, ..row };
        match current.filter(|current| !current.deleted && !row.deleted) {
            Some(current) => {
                let (old, new) =
                    (current.data.clone().unwrap_or_default(), row.data.clone().unwrap_or_default());
                (row.made, row.changed) = (current.made, current.changed.clone());
                let names = old.keys().chain(new.keys()).filter(|name| old.get(*name) != new.get(*name));
                row.changed.extend(names.map(|name| (name.clone(), version)));
            }
            None => (row.made, row.changed) = (version, BTreeMap::new()),
        }
        self.room.rows.insert(key.clone(), row);
        self.made.insert(key.clone(), version);
        (version, stamp)
    }
}
