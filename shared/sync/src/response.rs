//! The answer to a push: from a plan that was committed, or again from the marker of one.

use std::collections::BTreeMap;

use crate::decide::Plan;
use crate::limits::ANSWER_DATA_BYTES_MAX;
use crate::marker::{Marker, OutcomeCode};
use crate::outcome::Outcome;
use crate::push::{Incoming, Push, Write};
use crate::record::Record;
use protocol::json::JsonText;
use protocol::record::RecordKey;
use protocol::stamp::{Stamp, cursor};
use protocol::timestamp::Timestamp;
use protocol::wire::outcome::RejectionCode;
use protocol::wire::push::{AppliedBody, ConflictBody, PushResponse, RecordError};

/// The answer to `push`, decided as `plan`.
pub fn response(push: &Push, plan: &Plan, now: Timestamp) -> PushResponse {
    build(push, &plan.outcomes, plan.prev, plan.stamp(), now)
}

/// Why an answer cannot be given again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotAgain {
    /// The marker is not one that we wrote.
    Damaged,
    /// The records were read before the commit, and its marker after it: read again.
    Torn,
}

/// How long a record that a commit wrote is there at the least: tombstones are kept for longer.
const SURELY_THERE_SECS: u64 = 24 * 3600;

/// The answer to `push` again, from its marker; the server's copies are those of now.
pub fn again(
    push: &Push,
    marker: &Marker,
    records: &BTreeMap<RecordKey, Record>,
    now: Timestamp,
) -> Result<PushResponse, NotAgain> {
    let codes = marker.outcomes().ok_or(NotAgain::Damaged)?;
    let young = now < marker.stamp.time().plus_secs(SURELY_THERE_SECS);
    let is_torn = |(code, incoming): (&OutcomeCode, &Incoming)| {
        let (Some(version), Ok(write)) = (code.wrote(), &incoming.write) else { return false };
        // After its tombstone is gone, a record begins anew with version 1.
        young && records.get(&write.key).is_none_or(|record| record.version < version)
    };
    if codes.iter().zip(&push.records).any(is_torn) {
        return Err(NotAgain::Torn);
    }
    let applied = codes.iter().filter(|code| code.took_a_stamp()).count();
    let mut stamp = Stamp(marker.stamp.0.saturating_sub(applied as u64));
    let outcome = |(code, incoming): (&OutcomeCode, &Incoming)| {
        let server = incoming.write.as_ref().ok().and_then(|write| records.get(&write.key));
        if code.took_a_stamp() {
            stamp = stamp.plus(1);
        }
        match code {
            OutcomeCode::Applied { version, flags } => {
                let stored = stored(incoming, server, *version);
                Outcome::Applied { version: *version, stamp, stored, flags: flags.clone() }
            }
            OutcomeCode::Held { version, stamp } => {
                let stored = stored(incoming, server, *version);
                Outcome::Held { version: *version, stamp: *stamp, stored }
            }
            OutcomeCode::Merged { reason, .. } | OutcomeCode::Conflict(reason) => {
                Outcome::Conflict { reason: *reason, server: server.cloned() }
            }
            OutcomeCode::Rejected(code) => Outcome::Rejected(match &incoming.write {
                Err(rejection) if rejection.code == *code => rejection.clone(),
                _ if *code == RejectionCode::ClockAhead => {
                    code.because("`local_updated_at` was ahead of the server's clock.")
                }
                _ => code.because("The record was rejected when the batch was first sent."),
            }),
        }
    };
    let outcomes: Vec<Outcome> = codes.iter().zip(&push.records).map(outcome).collect();
    let mut answer = build(push, &outcomes, marker.prev, marker.stamp, now);
    for applied in &mut answer.applied {
        let write = push.records.get(applied.index).and_then(|incoming| incoming.write.as_ref().ok());
        let server = write.and_then(|write| records.get(&write.key));
        let moved_on = server.is_none_or(|record| record.version != applied.version);
        // What it became is not what was sent, and nobody knows it any more.
        applied.data_omitted |= moved_on && write.is_some_and(Write::is_partial);
    }
    Ok(answer)
}

/// What a write became, where that is not what was sent, as long as the server still holds that version.
fn stored(incoming: &Incoming, server: Option<&Record>, version: u64) -> Option<JsonText> {
    let write = incoming.write.as_ref().ok().filter(|write| !write.deleted)?;
    let held = server.filter(|record| record.version == version)?;
    (write.data.as_ref() != Some(&held.data)).then(|| held.data.clone())
}

fn build(push: &Push, outcomes: &[Outcome], prev: Stamp, stamp: Stamp, now: Timestamp) -> PushResponse {
    let undone = push.atomic && !outcomes.iter().all(Outcome::is_applied);
    let mut answer = PushResponse {
        success: !undone,
        synced_count: 0,
        conflicts: Vec::new(),
        errors: Vec::new(),
        applied: Vec::new(),
        prev,
        stamp,
        cursor: cursor(stamp),
        server_time: now.to_string(),
    };
    for (index, (incoming, outcome)) in push.records.iter().zip(outcomes).enumerate() {
        match outcome {
            Outcome::Applied { .. } | Outcome::Held { .. } if undone => {}
            Outcome::Applied { version, stamp, stored, flags } => {
                let (data, flags) =
                    (stored.clone(), flags.iter().map(|flag| flag.as_str().to_owned()).collect());
                answer.applied.push(AppliedBody {
                    data,
                    flags,
                    ..applied(index, incoming, *version, *stamp)
                });
            }
            Outcome::Held { version, stamp, stored } => {
                let data = stored.clone();
                answer.applied.push(AppliedBody { data, ..applied(index, incoming, *version, *stamp) });
            }
            Outcome::Merged { reason, server } => {
                answer.conflicts.push(conflict(index, incoming, reason.as_str(), Some(server)));
            }
            Outcome::Conflict { reason, server } => {
                answer.conflicts.push(conflict(index, incoming, reason.as_str(), server.as_ref()));
            }
            Outcome::Rejected(rejection) => answer.errors.push(RecordError {
                index,
                table_name: incoming.table.clone(),
                record_id: incoming.id.clone(),
                code: rejection.code.as_str().to_owned(),
                message: rejection.message.clone(),
            }),
        }
    }
    answer.synced_count = answer.applied.len();
    bound(&mut answer);
    answer
}

/// Leaves the data of conflicts out from where the answer would no longer fit through Lambda: the till has its own side,
/// and hears the server's by pulling.
fn bound(answer: &mut PushResponse) {
    let mut bytes = 0;
    for applied in &mut answer.applied {
        bytes += applied.data.as_ref().map_or(0, escaped);
        if bytes > ANSWER_DATA_BYTES_MAX {
            (applied.data, applied.data_omitted) = (None, true);
        }
    }
    for conflict in &mut answer.conflicts {
        let sides = conflict.local_data.iter().chain(&conflict.server_data);
        bytes += sides.map(escaped).sum::<usize>();
        if bytes > ANSWER_DATA_BYTES_MAX {
            (conflict.local_data, conflict.server_data, conflict.data_omitted) = (None, None, true);
        }
    }
}

/// Bytes that `data` takes as a part of a text, which is how Lambda answers.
fn escaped(data: &JsonText) -> usize {
    let bytes = data.as_str().bytes();
    bytes.map(|byte| if matches!(byte, b'"' | b'\\' | b'\n' | b'\r' | b'\t') { 2 } else { 1 }).sum()
}

fn applied(index: usize, incoming: &Incoming, version: u64, stamp: Stamp) -> AppliedBody {
    AppliedBody {
        index,
        table_name: incoming.table.clone().unwrap_or_default(),
        record_id: incoming.id.clone().unwrap_or_default(),
        version,
        server_updated_at: stamp.time().to_string(),
        stamp,
        data: None,
        data_omitted: false,
        flags: Vec::new(),
    }
}

fn conflict(index: usize, incoming: &Incoming, reason: &str, server: Option<&Record>) -> ConflictBody {
    ConflictBody {
        index,
        table_name: incoming.table.clone().unwrap_or_default(),
        record_id: incoming.id.clone().unwrap_or_default(),
        reason: reason.to_owned(),
        local_data: incoming.write.as_ref().ok().and_then(|write| write.data.clone()),
        server_data: server.map(|record| record.data.clone()),
        local_updated_at: incoming.local_updated_at.clone(),
        server_updated_at: server.map(|record| record.stamp.time().to_string()),
        server_version: server.map_or(0, |record| record.version),
        server_is_deleted: server.is_some_and(|record| record.deleted),
        data_omitted: false,
    }
}

#[cfg(test)]
mod tests;
