//! The run once more, through the model: every transaction must have written what the model predicts.

use std::collections::{BTreeMap, BTreeSet};

use functions::dynamo::error::StoreError;
use functions::dynamo::item::Item;
use functions::sync::items::to_record;
use functions::sync::keys;
use model::{ExpectedResult, Key, Model, Prediction, Push, Row, member, table_rule};
use protocol::ids::Room;
use protocol::stamp::Stamp;
use protocol::wire::push::PushRequest;
use sync::dead_letter_id::DeadLetterId;
use sync::record::Record;

use super::commit_order::in_commit_order;
use super::resurrection::{is_about, stays_deleted};
use super::{replays, resolves};
use crate::sim::event_log::{ClosedLetters, Event, EventLog, PushCall};
use crate::sim::storage;

/// The number of changes of a room, and of its live records by table.
pub(crate) type Counts = (u64, BTreeMap<String, u64>);

#[derive(Default)]
pub(crate) struct ModelRun {
    pub(crate) model: Model,
    /// The expected response of each call that committed.
    pub(crate) predictions: BTreeMap<u64, Prediction>,
    /// The batch markers that have expired or are damaged, by partition and sort key.
    lost_markers: BTreeSet<(String, String)>,
    /// The records whose tombstones have expired, so that their versions start again, and damaged ones.
    purged: BTreeSet<(Room, Key)>,
    /// What a restore puts back, beside the model.
    pub(crate) state: State,
    /// After each commit of each room; of all histories.
    pub(crate) counts: BTreeMap<(Room, u64), Vec<Counts>>,
    /// The states at the copies of the tables, by number of the event.
    copies: BTreeMap<usize, (Model, State)>,
    /// The states that restores have replaced, each with the last call that met it.
    replaced: Vec<(u64, Model)>,
}

/// What a restore puts back, beside the model.
#[derive(Clone, Default)]
pub(crate) struct State {
    /// The stamps of the deletions that are in force.
    deletions: BTreeMap<(Room, Key), Stamp>,
    /// The dead letters that were replayed or discarded.
    pub(crate) closed: BTreeMap<Room, BTreeSet<DeadLetterId>>,
    /// The records that commits have answered with a conflict.
    pub(crate) conflicts: BTreeMap<Room, u64>,
    /// The deltas of replays and resolved conflicts, by row.
    pub(crate) replayed: BTreeMap<Room, Vec<(String, i128)>>,
}

impl ModelRun {
    /// Feeds the model with the commits of a run, up to the first violation.
    pub(crate) fn of(log: &EventLog) -> ModelRun {
        let replays = log.entries().replays.clone();
        let resolves = log.entries().resolves.clone();
        let events = log.entries().events.clone();
        let mut run = ModelRun::default();
        for (number, event) in events.into_iter().enumerate() {
            if !log.entries().violations.is_empty() {
                break;
            }
            match event {
                Event::Committed { call, puts, closed, .. } => {
                    if let Some(replay) = replays.get(&call) {
                        let closes = replays::closes(&run, log, replay, &closed);
                        let push = replay.push(&run.model, &closes);
                        run.close(&closed);
                        run.alone(log, call, &push, &puts, |prediction| {
                            let is_applied = |result| matches!(result, &ExpectedResult::Applied { .. });
                            prediction.results.iter().all(is_applied)
                        });
                    } else if !closed.is_empty() {
                        run.close(&closed);
                    } else if let Some(resolve) = resolves.get(&call) {
                        let Some(push) = resolve.push(&run.model) else { continue };
                        run.alone(log, call, &push, &puts, resolves::is_whole);
                    } else {
                        let pushes = log.entries().pushes(call);
                        run.commit(log, call, &in_commit_order(log, pushes, &puts), &puts);
                    }
                }
                Event::Expired { pk, sk } => run.expire(log, &pk, &sk),
                Event::Damaged { pk, sk } => run.damage(&pk, &sk),
                Event::Copied => {
                    run.copies.insert(number, (run.model.clone(), run.state.clone()));
                }
                Event::Restored { copy, calls } => run.restore(copy, calls),
            }
        }
        run
    }

    fn close(&mut self, closed: &[ClosedLetters]) {
        for ClosedLetters { room, item, indexes } in closed {
            let ids = indexes.iter().map(|&index| DeadLetterId { key: item.clone(), index });
            self.state.closed.entry(room.clone()).or_default().extend(ids);
        }
    }

    /// The state of the tables that `call` met, as it became in the end.
    pub(crate) fn model_of(&self, call: u64) -> &Model {
        let met = |(last, _): &&(u64, Model)| call <= *last;
        self.replaced.iter().find(met).map_or(&self.model, |(_, model)| model)
    }

    fn restore(&mut self, copy: usize, calls: u64) {
        let (model, state) = self.copies.get(&copy).cloned().unwrap_or_default();
        self.replaced.push((calls, std::mem::replace(&mut self.model, model)));
        self.state = state;
    }

    /// Replays a dead letter, or resolves a conflict: a commit applies it, as far as `is_right` asks.
    fn alone(
        &mut self,
        log: &EventLog,
        call: u64,
        pushed: &PushCall,
        puts: &[Item],
        is_right: impl Fn(&Prediction) -> bool,
    ) {
        self.commit(log, call, &[(call, pushed.clone())], puts);
        let Some(prediction) = self.predictions.get(&call) else { return };
        if !is_right(prediction) {
            let what = format!("call {call} committed what is not applied: {:?}", prediction.results);
            log.violation("commit", what);
        }
        let deltas = replays::deltas(pushed, prediction);
        self.state.replayed.entry(pushed.room.clone()).or_default().extend(deltas);
    }

    /// Whether the marker of a batch has expired, after 90 days, or is damaged. If the batch arrives once
    /// more, it is decided again, or answered without its outcomes.
    pub(crate) fn has_lost_marker(&self, room: &Room, body: &PushRequest) -> bool {
        let device = body.device_id.parse().ok();
        let batch = body.batch_id.as_ref().and_then(|batch| batch.parse().ok());
        device.zip(batch).is_some_and(|(device, batch)| {
            self.lost_markers.contains(&(keys::room(room), keys::batch(&device, &batch)))
        })
    }

    /// The lowest version of a record that a repeated response to a batch may show: the version that the
    /// batch gave it. 0 if the batch did not write the record, if its tombstone was purged, or if damaged.
    pub(crate) fn version_min(&self, room: &Room, batch: &Prediction, key: Key) -> u64 {
        let written = batch.versions.get(&key).copied().unwrap_or_default();
        if self.purged.contains(&(room.clone(), key)) { 0 } else { written }
    }

    /// Pushes `pushes`, which the function call `call` committed together, one after the other.
    fn commit(&mut self, log: &EventLog, call: u64, pushes: &[(u64, PushCall)], puts: &[Item]) {
        let wrong = |what: String| log.violation("commit", what);
        let Some((_, PushCall { room, now, .. })) = pushes.first() else { return };
        let calls: Vec<&PushCall> = pushes.iter().map(|(_, push)| push).collect();
        let mut before = None;
        for (number, PushCall { role, arrived_at, now, body, release, .. }) in pushes {
            let (role, arrived_at, unknown) = (*role, *arrived_at, release.unknown_tables());
            let Some(prediction) =
                self.model.push(&Push { room, role, body, arrived_at, now: *now, unknown })
            else {
                return wrong(format!("call {call} committed a body that is not a push"));
            };
            prediction.situations.iter().for_each(|name| log.entries().coverage.situation(name, true));
            if prediction.rolled_back {
                wrong(format!("call {call} committed an atomic batch that has to be rolled back"));
            }
            before.get_or_insert(prediction.prev);
            let is_conflict = |result: &&ExpectedResult| matches!(result, ExpectedResult::Conflict { .. });
            let conflicts = prediction.results.iter().filter(is_conflict).count() as u64;
            *self.state.conflicts.entry(room.clone()).or_default() += conflicts;
            self.predictions.insert(*number, prediction);
        }
        let rows = self.model.rooms.get(room).into_iter().flat_map(|room| &room.rows);
        let puts: BTreeMap<Key, &Item> = puts
            .iter()
            .filter_map(|put| Some((storage::record_key(storage::key(put, "sk"))?, put)))
            .collect();
        let mut written = rows.filter(|(_, row)| Some(row.stamp) > before);
        if let Some((key, row)) = written.find(|(key, _)| !puts.contains_key(*key)) {
            let (table, id, sent) = (&key.0, &key.1, sent(&calls, key));
            wrong(format!("{room}: call {call} did not write {table} {id} at {now}: {row:?}; sent {sent}"));
        }
        self.count(room);
        for (key, put) in puts {
            let expected = self.model.rooms.get(room).and_then(|room| room.rows.get(&key));
            let found = to_record(put);
            if let Ok(found) = &found {
                stays_deleted(&mut self.state.deletions, log, (room, &calls), &key, found);
            }
            if let Some(what) = difference(&key, &found, expected) {
                let (table, id, sent) = (&key.0, &key.1, sent(&calls, &key));
                wrong(format!("{room}: call {call} wrote {table} {id} at {now}: {what}; sent {sent}"));
            }
        }
    }

    /// A damaged record is neither read nor written.
    fn damage(&mut self, pk: &str, sk: &str) {
        if sk.starts_with("BATCH#") {
            self.lost_markers.insert((pk.to_owned(), sk.to_owned()));
        }
        let (Some(room), Some(key)) = (keys::room_of(pk), storage::record_key(sk)) else { return };
        self.model.damage(&room, &key);
        self.purged.insert((room, key));
    }

    /// Counts the live records of a room.
    fn count(&mut self, room: &Room) {
        let Some(state) = self.model.rooms.get(room) else { return };
        let mut live = BTreeMap::new();
        for ((table, _), _) in state.rows.iter().filter(|(_, row)| !row.deleted) {
            *live.entry(table.clone()).or_default() += 1;
        }
        self.counts.entry((room.clone(), state.head)).or_default().push((state.changes, live));
    }

    /// Only tombstones, markers and log items may expire, never a live record.
    fn expire(&mut self, log: &EventLog, pk: &str, sk: &str) {
        if sk.starts_with("BATCH#") {
            self.lost_markers.insert((pk.to_owned(), sk.to_owned()));
        }
        let (Some(room), Some(key)) = (keys::room_of(pk), storage::record_key(sk)) else { return };
        let row = self.model.rooms.get(&room).and_then(|room| room.rows.get(&key));
        if row.is_some_and(|row| !row.deleted) {
            log.violation("commit", format!("{room}: the live record {} {} expires", key.0, key.1));
        }
        self.model.purge(&room, &key);
        self.purged.insert((room, key));
    }
}

/// The parts of pushes that are about a record, as JSON.
fn sent(calls: &[&PushCall], key: &Key) -> String {
    let part = |call: &&PushCall| {
        let mut body = serde_json::from_str::<PushRequest>(&call.body).ok()?;
        body.records.retain(|record| is_about(record, key));
        serde_json::to_string(&body).ok()
    };
    calls.iter().filter_map(part).collect::<Vec<_>>().join(" ")
}

/// The difference between a stored record and the model.
pub(crate) fn difference(
    key: &Key,
    found: &Result<Record, StoreError>,
    expected: Option<&Row>,
) -> Option<String> {
    let (found, expected) = match (found, expected) {
        (Ok(found), Some(expected)) => (found, expected),
        (Ok(_), None) => return Some("it should not exist".to_owned()),
        (Err(error), _) => return Some(error.to_string()),
    };
    let is_additive = |name: &str| table_rule(&key.0).is_some_and(|rule| rule.is_additive(name));
    let equal_data = match (member::parse(found.data.as_str()), &expected.data) {
        (Some(found), Some(expected)) => member::equal(&found, expected, is_additive),
        (found, expected) => found.is_none() && expected.is_none(),
    };
    let rest = (found.version, found.stamp.0, found.modified_at.0, found.device.as_str(), found.deleted);
    let Row { version, stamp, modified_at, device, deleted, .. } = expected;
    let expected_rest = (*version, *stamp, *modified_at, device.as_str(), *deleted);
    if equal_data && rest == expected_rest {
        return None;
    }
    Some(format!("found {} {rest:?}, expected {:?} {expected_rest:?}", found.data.as_str(), expected.data))
}
