//! A dead letter that is sent again, perhaps corrected: as a write that its device makes now, knowing what the
//! server holds.

use sha2::{Digest, Sha256};

use crate::dead_letters::stored::OpenLetter;
use crate::dead_letters::{Letter, Payload};
use crate::decide::{Plan, decide};
use crate::outcome::Outcome;
use crate::push::{Incoming, Push, REPLAY_PREFIX};
use crate::rules::Rules;
use crate::snapshot::Snapshot;
use protocol::error::{ApiError, ErrorCode};
use protocol::ids::BadId;
use protocol::json::JsonText;
use protocol::json::object::Object;
use protocol::record::RecordKey;
use protocol::role::Role;
use protocol::timestamp::Timestamp;

/// A letter on its way back.
#[derive(Clone, Debug)]
pub struct Replay {
    push: Push,
}

impl Replay {
    /// The write that the letter becomes at `now`, by somebody whose role is `role`; with `data` instead of its own, if
    /// there is any.
    pub fn of(
        rules: &Rules,
        role: Role,
        open: &OpenLetter,
        data: Option<&JsonText>,
        now: Timestamp,
    ) -> Result<Replay, ApiError> {
        let record = record(&open.letter, data, now)?;
        // Deltas are added in a batch that has a name, so that they are added once. This one is nobody's to choose.
        let batch =
            format!("{REPLAY_PREFIX}{}", open.id).parse().map_err(|bad: BadId| ApiError::from(bad))?;
        let push = Push {
            device: open.device.clone(),
            batch: Some(batch),
            atomic: false,
            hash: Sha256::digest(record.as_str().as_bytes()).into(),
            device_time: None,
            branch: None,
            records: vec![Incoming::read(&rules.tables, role, record.as_raw())],
        };
        Ok(Replay { push })
    }

    /// What must be read before it can be decided: the record and the marker of its batch.
    pub fn push(&self) -> &Push {
        &self.push
    }

    /// Decides the write against `snapshot` at `now`; the push as it was decided, with the plan.
    pub fn decide(
        mut self,
        rules: &Rules,
        snapshot: &Snapshot,
        now: Timestamp,
    ) -> Result<(Push, Plan), ApiError> {
        if snapshot.marker.is_some() {
            // It goes in with the transaction that closes the letter, and nobody else may use its name.
            return Err(ApiError::new(
                ErrorCode::DeadLetterNotFound,
                "This dead letter was replayed a moment ago.",
            ));
        }
        for incoming in &mut self.push.records {
            if let Ok(write) = &mut incoming.write {
                write.base = version(snapshot, &write.key);
            }
        }
        let plan = decide(rules, snapshot, &self.push, now);
        Ok((self.push, plan))
    }
}

/// Whether everything that `plan` is about has arrived, so that its letter is done with.
pub fn arrived(plan: &Plan) -> bool {
    !plan.outcomes.is_empty() && plan.outcomes.iter().all(Outcome::is_applied)
}

fn version(snapshot: &Snapshot, key: &RecordKey) -> Option<u64> {
    snapshot.records.get(key).map(|record| record.version)
}

/// The record as it is sent again. What cannot be read is left as it is, to be rejected as it was.
fn record(letter: &Letter, data: Option<&JsonText>, now: Timestamp) -> Result<JsonText, ApiError> {
    let mut object = match (&letter.payload, data) {
        (Payload::Whole(raw), _) => match Object::parse(raw) {
            Ok(object) => object,
            Err(_) => return Ok(raw.clone()),
        },
        (Payload::Cut { .. }, Some(_)) => Object::default(),
        (Payload::Cut { .. }, None) => {
            let message = "Only the beginning of this record was kept; send the whole of its `data`.";
            return Err(ApiError::new(ErrorCode::PayloadCut, message));
        }
    };
    let fault = |error: serde_json::Error| {
        ApiError::new(ErrorCode::BadRequest, format!("The record does not fit: {error}."))
    };
    if matches!(letter.payload, Payload::Cut { .. }) {
        for (name, value) in [("table_name", &letter.table), ("record_id", &letter.id)] {
            object.set(name, serde_json::to_string(value).map_err(fault)?).map_err(fault)?;
        }
    }
    // It is written now, by somebody who knows what the server holds: what was wrong with its time no longer counts.
    object.set("local_updated_at", serde_json::to_string(&now.to_string()).map_err(fault)?).map_err(fault)?;
    object.take("base_version", &Object::default());
    if let Some(data) = data {
        object.set("data", data.as_str().to_owned()).map_err(fault)?;
    }
    object.to_text().map_err(fault)
}

#[cfg(test)]
mod tests;
