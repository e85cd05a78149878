//! A replayed dead letter, as the push that it is: its record now, on the server's version, by its device.

use model::{Key, Model, Prediction, decimal, member};
use protocol::ids::Room;
use protocol::role::Role;
use protocol::timestamp::Timestamp;
use protocol::wire::push::{PushRecord, PushRequest};

use super::sums;
use crate::sim::dead_letters::Replay;
use crate::sim::event_log::PushCall;
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
    /// The push that replays the letter in a room in the state of `model`.
    pub(crate) fn push(&self, model: &Model) -> PushCall {
        let Replay { letter, data } = &self.replay;
        let sent = letter.record.as_ref().and_then(|record| serde_json::from_str(record.as_str()).ok());
        let mut record: PushRecord = sent.unwrap_or_else(|| self.cut());
        let key: Key = (record.table_name.clone(), record.record_id.clone());
        let row = model.rooms.get(&self.room).and_then(|room| room.rows.get(&key));
        record.base_version = row.map(|row| row.version);
        record.local_updated_at = self.now.to_string();
        record.data = data.clone().or(record.data);
        let body = PushRequest {
            device_id: letter.device_id.clone(),
            batch_id: Some(format!("dead:{}", letter.id)),
            atomic: false,
            branch_id: None,
            device_time: None,
            records: vec![record],
        };
        let body = serde_json::to_string(&body).unwrap_or_default();
        let (room, role, now, release) = (self.room.clone(), self.role, self.now, self.release);
        PushCall { room, role, arrived_at: now, now, body, release }
    }

    /// The record of a dead letter that was cut.
    fn cut(&self) -> PushRecord {
        let letter = &self.replay.letter;
        PushRecord {
            table_name: letter.table_name.clone().unwrap_or_default(),
            record_id: letter.record_id.clone().unwrap_or_default(),
            data: None,
            local_updated_at: String::new(),
            is_deleted: false,
            base_version: None,
            fields: None,
        }
    }
}

/// The row and the delta that a replay added to one of the sums that [`sums`] checks.
pub(crate) fn delta(pushed: &PushCall, prediction: &Prediction) -> Option<(String, i128)> {
    let body: PushRequest = serde_json::from_str(&pushed.body).ok()?;
    let record = body.records.first().filter(|record| record.table_name == sums::TABLE)?;
    let is_update = record.base_version.is_some() && !prediction.versions.is_empty();
    let is_covered =
        record.fields.as_ref().is_none_or(|fields| fields.iter().any(|field| field == sums::SUM));
    let value = member::parse(record.data.as_ref()?.as_str())?.get(sums::SUM).cloned()?;
    let delta = decimal::parse(&member::delta(&value)?)?;
    (is_update && is_covered).then(|| (record.record_id.clone(), delta))
}
