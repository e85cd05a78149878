//! Replays a dead letter: its record, corrected if needed, as a new write of its device on the current
//! version.

use sha2::{Digest, Sha256};

use crate::dead_letters::{DeadLetter, OpenDeadLetter, Payload};
use crate::decide::{Plan, decide};
use crate::outcome::Outcome;
use crate::push::{Incoming, Push};
use crate::rules::SyncRules;
use crate::snapshot::Snapshot;
use protocol::error::{ApiError, ErrorCode};
use protocol::json::JsonText;
use protocol::json::object::Object;
use protocol::role::Role;
use protocol::timestamp::Timestamp;

/// The push of the dead letter at `now` by a caller with `role`, with `data` instead of its own if given.
/// [`ErrorCode::PayloadCut`] if the payload is incomplete and there is no `data`.
pub fn push(
    rules: &SyncRules,
    role: Role,
    open: &OpenDeadLetter,
    data: Option<&JsonText>,
    now: Timestamp,
) -> Result<Push, ApiError> {
    let record = record(&open.letter, data, now)?;
    let hash = Sha256::digest(record.as_str()).into();
    let incoming = Incoming::read(&rules.tables, role, record.as_raw());
    let (device, batch) = (open.device.clone(), Some(open.id.replay_batch()?));
    Ok(Push::of_record(device, batch, hash, rules.tables.digest_of(role), incoming))
}

/// Bases the replay `push` on the current version in `snapshot` and decides it at `now`.
pub fn decide_replay(
    rules: &SyncRules,
    snapshot: &Snapshot,
    push: &mut Push,
    now: Timestamp,
) -> Result<Plan, ApiError> {
    if snapshot.marker.is_some() || snapshot.is_marker_damaged {
        // The transaction that closes the dead letter writes this marker; no device can use its batch id.
        let message = "This dead letter was replayed a moment ago.";
        return Err(ApiError::new(ErrorCode::DeadLetterNotFound, message));
    }
    for write in push.records.iter_mut().filter_map(|incoming| incoming.write.as_mut().ok()) {
        write.base = snapshot.version(&write.key);
    }
    Ok(decide(rules, snapshot, push, now))
}

/// Whether every record of `plan` is applied, so that the dead letter can be closed.
pub fn fully_applied(plan: &Plan) -> bool {
    !plan.outcomes.is_empty() && plan.outcomes.iter().all(Outcome::is_applied)
}

/// The record to send. A payload that is not an object stays as it is, and is rejected again.
fn record(letter: &DeadLetter, data: Option<&JsonText>, now: Timestamp) -> Result<JsonText, ApiError> {
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
    // The replay is a new write on the current version, so the old time and base do not matter.
    object.set("local_updated_at", serde_json::to_string(&now.to_string()).map_err(fault)?).map_err(fault)?;
    object.take("base_version", &Object::default());
    if let Some(data) = data {
        object.set("data", data.as_str().to_owned()).map_err(fault)?;
    }
    object.to_text().map_err(fault)
}

#[cfg(test)]
mod tests;
