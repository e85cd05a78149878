//! A batch: its records in order; each sees the writes before it.

use std::collections::BTreeMap;

use protocol::ids::Room;
use protocol::role::Role;
use protocol::timestamp::Timestamp;
use protocol::wire::push::{PushRecord, PushRequest};

use crate::record::{Decision, Situation, decide};
use crate::room::{ExpectedResult, Key, Prediction, RoomState, Row};
use crate::write::Write;

/// A push as the function received it.
#[derive(Clone, Debug)]
pub struct Push<'a> {
    /// The room.
    pub room: &'a Room,
    /// The role in the token.
    pub role: Role,
    /// The body as it was sent.
    pub body: &'a str,
    /// The function's time.
    pub now: Timestamp,
    /// The tables that the function does not know, of those in the rules.
    pub unknown: &'a [&'a str],
}

pub(crate) fn push(room: &mut RoomState, request: &Push<'_>) -> Option<Prediction> {
    let mut body: PushRequest = serde_json::from_str(request.body).ok()?;
    let unknown = |record: &&mut PushRecord| request.unknown.contains(&record.table_name.as_str());
    body.records.iter_mut().filter(unknown).for_each(|record| record.table_name.clear());
    let name = body.batch_id.clone().map(|batch| (body.device_id.clone(), batch));
    let (before, prev) = (room.rows.clone(), room.head);
    let first = request.now.0.max(prev + 1);
    let versions = BTreeMap::new();
    let mut batch = Batch { room, before: &before, body: &body, request, next: first, versions };
    let results: Vec<ExpectedResult> = body.records.iter().map(|record| batch.record(record)).collect();
    let Batch { next, versions, .. } = batch;
    let rolled_back =
        body.atomic && !results.iter().all(|result| matches!(result, ExpectedResult::Applied { .. }));
    if rolled_back {
        room.rows = before;
        return Some(Prediction { results, prev, stamp: prev, rolled_back, versions: BTreeMap::new() });
    }
    let rejected = results.iter().filter(|result| matches!(result, ExpectedResult::Rejected(_))).count();
    room.dead_letters.insert((first, request.now.0, request.body.to_owned()), rejected);
    let stamp = if next > first { next - 1 } else { prev };
    room.head = stamp;
    room.changes += next - first;
    let prediction = Prediction { results, prev, stamp, rolled_back, versions };
    if let Some(name) = name {
        room.responses.insert(name, prediction.clone());
    }
    Some(prediction)
}

struct Batch<'a> {
    room: &'a mut RoomState,
    before: &'a BTreeMap<Key, Row>,
    body: &'a PushRequest,
    request: &'a Push<'a>,
    /// The stamp of the next change.
    next: u64,
    /// The version of each record after its last change.
    versions: BTreeMap<Key, u64>,
}

impl Batch<'_> {
    fn record(&mut self, body: &PushRecord) -> ExpectedResult {
        let key = (body.table_name.clone(), body.record_id.clone());
        let is_damaged = self.room.damaged.contains(&key);
        let write = match Write::parse(body, self.request.role, self.request.now.0) {
            // Its time counts only against a record that can be read.
            Ok(_) | Err("clock_ahead") if is_damaged => {
                return ExpectedResult::Rejected("record_corrupt".to_owned());
            }
            Ok(write) => write,
            Err(code) => return ExpectedResult::Rejected(code.to_owned()),
        };
        let current = self.room.rows.get(&write.key).cloned();
        let before = self.before.get(&write.key);
        let situation = Situation {
            current: current.as_ref(),
            written_by_batch: current.as_ref() != before,
            version_before: before.map(|row| row.version),
            created_by_batch: current.as_ref() != before && before.is_none_or(|row| row.deleted),
            device: &self.body.device_id,
            has_batch_id: self.body.batch_id.is_some(),
            now: self.request.now.0,
        };
        let stored = current.as_ref().map_or((0, 0), |row| (row.version, row.stamp));
        match decide(&situation, &write) {
            Decision::Store { row, flags } => {
                let (version, stamp) = self.store(&write.key, row);
                let mut flags: Vec<String> =
                    write.flags.iter().chain(&flags).map(ToString::to_string).collect();
                flags.sort_unstable();
                ExpectedResult::Applied { version, stamp, flags }
            }
            Decision::Merge { row, reason } => {
                let (version, _) = self.store(&write.key, row);
                ExpectedResult::Conflict { reason: reason.to_owned(), version }
            }
            Decision::AlreadyApplied => {
                ExpectedResult::Applied { version: stored.0, stamp: stored.1, flags: Vec::new() }
            }
            Decision::Conflict(reason) => {
                ExpectedResult::Conflict { reason: reason.to_owned(), version: stored.0 }
            }
            Decision::Reject(code) => ExpectedResult::Rejected(code.to_owned()),
        }
    }

    /// Stores a changed record under the next version and stamp.
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
                (row.created, row.changed) = (current.created, current.changed.clone());
                let names = old.keys().chain(new.keys()).filter(|name| old.get(*name) != new.get(*name));
                row.changed.extend(names.map(|name| (name.clone(), version)));
            }
            None => (row.created, row.changed) = (version, BTreeMap::new()),
        }
        self.room.rows.insert(key.clone(), row);
        self.versions.insert(key.clone(), version);
        (version, stamp)
    }
}
