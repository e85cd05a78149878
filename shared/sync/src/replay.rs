//! Replays a dead letter: its record, corrected if needed, as a new write of its device on the current
//! version. The dead letters of a group are replayed together.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use crate::batch_hash::BatchHash;
use crate::dead_letter_id::DeadLetterId;
use crate::dead_letters::{DeadLetter, OpenDeadLetters, Payload};
use crate::decide::{Plan, decide};
use crate::outcome::Outcome;
use crate::push::{Incoming, Push};
use crate::rules::SyncRules;
use crate::snapshot::Snapshot;
use protocol::error::{ApiError, ErrorCode};
use protocol::json::object::Object;
use protocol::json::{JsonText, truncated};
use protocol::limits::ECHO_BYTES_MAX;
use protocol::role::Role;
use protocol::timestamp::Timestamp;
use protocol::wire::dead_letters::{Correction, ReplayRequest};

/// The push of the dead letter `named`, or of those of its group, which are `open`, at `now` by a caller with
/// `role`. [`ErrorCode::PayloadCut`] if a payload is incomplete and the request has no data for it,
/// [`ErrorCode::DeadLetterNotFound`] if `named` is not open.
pub fn push(
    rules: &SyncRules,
    role: Role,
    named: &DeadLetterId,
    open: &[OpenDeadLetters],
    request: &ReplayRequest,
    now: Timestamp,
) -> Result<Push, ApiError> {
    let mut letters: Vec<(DeadLetterId, &DeadLetter)> = open.iter().flat_map(OpenDeadLetters::iter).collect();
    letters.sort_by_key(|(id, _)| id.index);
    let (Some(device), true) =
        (open.first().map(|open| &open.device), letters.iter().any(|(id, _)| id == named))
    else {
        return Err(not_found());
    };
    let corrections = corrections(named, &letters, request)?;
    let (mut records, mut hasher) = (Vec::new(), Sha256::new());
    for (id, letter) in &letters {
        let record = record(letter, corrections.get(&id.index).copied(), now)?;
        hasher.update(record.as_str());
        records.push(Incoming::read(&rules.tables, role, record.as_raw()));
    }
    let atomic = letters.iter().any(|(_, letter)| letter.group.is_some());
    let hash = BatchHash::exact(hasher.finalize().into());
    let (batch, readable) = (Some(named.replay_batch()?), rules.tables.digest_of(role));
    let push = Push::of_records(device.clone(), batch, hash, readable, records);
    Ok(Push { atomic, ..push })
}

/// The data that the request has for `letters`, by index.
fn corrections<'a>(
    named: &DeadLetterId,
    letters: &[(DeadLetterId, &DeadLetter)],
    request: &'a ReplayRequest,
) -> Result<BTreeMap<usize, &'a JsonText>, ApiError> {
    let mut corrections: BTreeMap<usize, &JsonText> = BTreeMap::new();
    for Correction { id, data } in &request.corrections {
        let Some((id, _)) = letters.iter().find(|(known, _)| known.to_string() == *id) else {
            let message = format!("{id:?} is no open dead letter of this group.");
            return Err(ApiError::new(ErrorCode::BadRequest, truncated(&message, ECHO_BYTES_MAX)));
        };
        corrections.insert(id.index, data);
    }
    corrections.extend(request.data.as_ref().map(|data| (named.index, data)));
    Ok(corrections)
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
        return Err(not_found());
    }
    for write in push.records.iter_mut().filter_map(|incoming| incoming.write.as_mut().ok()) {
        write.base = snapshot.version(&write.key);
    }
    Ok(decide(rules, snapshot, push, now))
}

/// No such dead letter, or it was replayed or discarded a moment ago.
pub fn not_found() -> ApiError {
    let message = "There is no such dead letter, or it was replayed or discarded already.";
    ApiError::new(ErrorCode::DeadLetterNotFound, message)
}

/// A part of the group cannot be read, so it cannot be replayed as a whole.
pub fn group_damaged() -> ApiError {
    let message = "Dead letters of the same batch are damaged, and may belong to this group. Nothing is replayed \
                   until they are repaired or deleted; single dead letters can be discarded.";
    ApiError::new(ErrorCode::GroupDamaged, message)
}

/// Whether every record of `plan` is applied, so that the dead letters can be closed.
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
