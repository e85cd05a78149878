//! A replayed dead letter, as the push that it is: its record now, on the server's version, by its device.
//! The letters of a group are replayed together.

use std::collections::BTreeSet;

use model::{Key, Model, Prediction, decimal, member};
use protocol::ids::Room;
use protocol::role::Role;
use protocol::timestamp::Timestamp;
use protocol::wire::push::{PushRecord, PushRequest};
use sync::dead_letter_id::DeadLetterId;

use super::model_run::ModelRun;
use super::sums;
use crate::sim::dead_letters::Replay;
use crate::sim::event_log::{ClosedLetters, EventLog, PushCall};
use crate::sim::release::Release;

/// A function call that replays a dead letter.
#[derive(Clone, Debug)]
pub(crate) struct ReplayCall {
    pub(crate) room: Room,
    pub(crate) role: Role,
    /// The function's time.
    pub(crate) now: Timestamp,
    pub(crate) release: Release,
    pub(crate) replay: Replay,
}

impl ReplayCall {
    /// The push that replays the letters with the indexes `closes` in a room in the state of `model`.
    pub(crate) fn push(&self, model: &Model, closes: &BTreeSet<usize>) -> PushCall {
        let Replay { letter, .. } = &self.replay;
        let batch = self.batch(model);
        let record = |index: &usize| self.record(model, batch.as_ref(), *index);
        let body = PushRequest {
            device_id: letter.device_id.clone(),
            batch_id: Some(format!("dead:{}", letter.id)),
            device_seq: None,
            base_stamp: None,
            atomic: letter.group.is_some(),
            branch_id: None,
            device_time: None,
            records: closes.iter().filter_map(record).collect(),
        };
        let body = serde_json::to_string(&body).unwrap_or_default();
        let (room, role, now, release) = (self.room.clone(), self.role, self.now, self.release);
        PushCall { room, role, arrived_at: now, now, body, release }
    }

    /// The record of the letter `index` of the batch, as the replay writes it.
    fn record(&self, model: &Model, batch: Option<&PushRequest>, index: usize) -> Option<PushRecord> {
        let Replay { letter, data } = &self.replay;
        let mut record = match index == letter.index {
            true => {
                let sent = letter.record.as_ref();
                let sent = sent.and_then(|record| serde_json::from_str(record.as_str()).ok());
                let mut record: PushRecord = sent.unwrap_or_else(|| self.cut());
                record.data = data.clone().or(record.data);
                record
            }
            false => batch?.records.get(index)?.clone(),
        };
        let key: Key = (record.table_name.clone(), record.record_id.clone());
        let row = model.rooms.get(&self.room).and_then(|room| room.rows.get(&key));
        record.base_version = row.map(|row| row.version);
        record.local_updated_at = Some(self.now.to_string());
        Some(record)
    }

    /// The batch of the letter, if the letter is one of a group.
    fn batch(&self, model: &Model) -> Option<PushRequest> {
        let letter = &self.replay.letter;
        let at = letter.id.parse::<DeadLetterId>().ok()?.key.at.0;
        let bodies = model.rooms.get(&self.room)?.dead_letters.keys().filter(|(first, ..)| *first == at);
        let mut batches = bodies.filter_map(|(_, _, body)| serde_json::from_str::<PushRequest>(body).ok());
        batches.find(|batch| {
            let group = batch.records.get(letter.index).and_then(|record| record.group.as_ref());
            let is_named = (&batch.device_id, &batch.batch_id) == (&letter.device_id, &letter.batch_id);
            is_named && group.is_some() && group == letter.group.as_ref()
        })
    }

    /// The record of a dead letter that was cut.
    fn cut(&self) -> PushRecord {
        let letter = &self.replay.letter;
        PushRecord {
            table_name: letter.table_name.clone().unwrap_or_default(),
            record_id: letter.record_id.clone().unwrap_or_default(),
            ..PushRecord::default()
        }
    }
}

/// The indexes of the letters that `replay` closes. Of a group, they must be all that were open.
pub(crate) fn closes(
    run: &ModelRun,
    log: &EventLog,
    replay: &ReplayCall,
    closed: &[ClosedLetters],
) -> BTreeSet<usize> {
    let found: BTreeSet<usize> = closed.iter().flat_map(|closed| closed.indexes.clone()).collect();
    let letter = &replay.replay.letter;
    let expected = match replay.batch(&run.model) {
        Some(batch) => {
            let of_group = |record: &PushRecord| record.group == letter.group;
            let places = batch.records.iter().enumerate().filter(|(_, record)| of_group(record));
            let discarded = run.state.closed.get(&replay.room).into_iter().flatten();
            let id = letter.id.parse::<DeadLetterId>().ok();
            let of_batch = |other: &&DeadLetterId| {
                id.as_ref().is_some_and(|id| id.key.prefix_of_batch() == other.key.prefix_of_batch())
            };
            let discarded: BTreeSet<usize> = discarded.filter(of_batch).map(|id| id.index).collect();
            places.map(|(index, _)| index).filter(|index| !discarded.contains(index)).collect()
        }
        None => BTreeSet::from([letter.index]),
    };
    if found != expected {
        let what = format!("a replay of {} closes the letters {found:?}, not {expected:?}", letter.id);
        log.violation("dead letters", what);
    }
    found
}

/// The rows and the deltas that a replay added to one of the sums that [`sums`] checks.
pub(crate) fn deltas(pushed: &PushCall, prediction: &Prediction) -> Vec<(String, i128)> {
    let body = serde_json::from_str::<PushRequest>(&pushed.body).ok();
    let records = body.into_iter().flat_map(|body| body.records);
    let delta = |record: PushRecord| {
        let key: Key = (record.table_name.clone(), record.record_id.clone());
        let is_update = record.base_version.is_some() && prediction.versions.contains_key(&key);
        let is_covered =
            record.fields.as_ref().is_none_or(|fields| fields.iter().any(|field| field == sums::SUM));
        let value = member::parse(record.data.as_ref()?.as_str())?.get(sums::SUM).cloned()?;
        let delta = decimal::parse(&member::delta(&value)?)?;
        (is_update && is_covered).then_some((record.record_id, delta))
    };
    records.filter(|record| record.table_name == sums::TABLE).filter_map(delta).collect()
}
