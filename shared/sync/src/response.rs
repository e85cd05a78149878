//! The response to a push: from a committed plan, or for a retry from the marker.

use std::collections::BTreeMap;

use crate::cursor::position_text;
use crate::decide::Plan;
use crate::decide::record_groups::group_undone;
use crate::limits::RESPONSE_DATA_BYTES_MAX;
use crate::marker::{Marker, MarkerError, StoredOutcome};
use crate::outcome::Outcome;
use crate::push::{Incoming, Push, Write};
use crate::record::Record;
use crate::snapshot::Snapshot;
use protocol::json::JsonText;
use protocol::record::RecordKey;
use protocol::stamp::Stamp;
use protocol::timestamp::Timestamp;
use protocol::wire::outcome::{Flag, Rejection, RejectionCode};
use protocol::wire::push::{AppliedRecord, Conflict, PushResponse, RejectedRecord};

/// The response to `push`, decided as `plan`.
pub fn from_plan(push: &Push, plan: &Plan, now: Timestamp) -> PushResponse {
    build(push, &plan.outcomes, &plan.rejected, (plan.prev, plan.stamp()), now)
}

/// Why a marker gives no response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RetryError {
    /// The marker cannot be read: [`from_damaged_marker`] helps if it is corrupt.
    Marker(MarkerError),
    /// The batch wrote to a table that this release does not know.
    UnknownTable,
    /// The records were read before the commit and its marker after it: read again.
    TornRead,
}

/// Seconds for which a committed record certainly exists; the shortest tombstone retention is longer.
const RECORD_SURVIVES_SECS: u64 = 24 * 3600;

/// The response to a retry of `push`. Stored data and the server's copies are the current ones.
pub fn from_marker(
    push: &Push,
    marker: &Marker,
    snapshot: &Snapshot,
    now: Timestamp,
) -> Result<PushResponse, RetryError> {
    let records = &snapshot.records;
    let codes = marker.outcomes().map_err(RetryError::Marker)?;
    let is_of_unknown_table = |(code, incoming): (&StoredOutcome, &Incoming)| {
        let rejection = incoming.write.as_ref().err();
        let is_unknown = rejection.is_some_and(|rejection| rejection.code == RejectionCode::UnknownTable);
        is_unknown && !matches!(code, StoredOutcome::Rejected(_))
    };
    if codes.iter().zip(&push.records).any(is_of_unknown_table) {
        return Err(RetryError::UnknownTable);
    }
    let young = now < marker.stamp.time().plus_secs(RECORD_SURVIVES_SECS);
    let is_torn = |(code, incoming): (&StoredOutcome, &Incoming)| {
        let (Some(version), Ok(write)) = (code.wrote(), &incoming.write) else { return false };
        // A record whose tombstone has expired starts again with version 1. A damaged one tells nothing.
        young
            && !snapshot.damaged.contains(&write.key)
            && records.get(&write.key).is_none_or(|record| record.version < version)
    };
    if codes.iter().zip(&push.records).any(is_torn) {
        return Err(RetryError::TornRead);
    }
    let applied = codes.iter().filter(|code| code.wrote().is_some()).count();
    let mut stamp = Stamp(marker.stamp.0.saturating_sub(applied as u64));
    let outcome = |(code, incoming): (&StoredOutcome, &Incoming)| {
        let server = incoming.write.as_ref().ok().and_then(|write| records.get(&write.key));
        if code.wrote().is_some() {
            stamp = stamp.plus(1);
        }
        match code {
            StoredOutcome::Applied { version, flags } => {
                let stored = stored(incoming, server, *version);
                Outcome::Applied { version: *version, stamp, stored, flags: flags.clone() }
            }
            StoredOutcome::AlreadyApplied { version, stamp } => {
                let stored = stored(incoming, server, *version);
                Outcome::AlreadyApplied { version: *version, stamp: *stamp, stored }
            }
            StoredOutcome::Merged { reason, .. } | StoredOutcome::Conflict(reason) => {
                Outcome::Conflict { reason: *reason, server: server.cloned() }
            }
            StoredOutcome::Rejected(code) => Outcome::Rejected(match &incoming.write {
                Err(rejection) if rejection.code == *code => rejection.clone(),
                _ if *code == RejectionCode::ClockAhead => {
                    code.with_message("`local_updated_at` was ahead of the server's clock.")
                }
                _ if *code == RejectionCode::GroupUndone => group_undone(),
                _ => code.with_message("The record was rejected when the batch was first sent."),
            }),
        }
    };
    let outcomes: Vec<Outcome> = codes.iter().zip(&push.records).map(outcome).collect();
    let mut response = build(push, &outcomes, records, (marker.prev, marker.stamp), now);
    // A write that would be rejected today, for example because the caller has another role now, is not read.
    let write = |index: usize| push.records.get(index).and_then(|incoming| incoming.write.as_ref().ok());
    for applied in &mut response.applied {
        let write = write(applied.index);
        let server = write.and_then(|write| records.get(&write.key));
        let moved_on = server.is_none_or(|record| record.version != applied.version);
        // The stored data of that version differed from what was sent and is gone.
        applied.data_omitted |= moved_on && write.is_none_or(Write::is_partial);
    }
    for conflict in &mut response.conflicts {
        conflict.data_omitted |= write(conflict.index).is_none();
    }
    Ok(response)
}

/// The response to a retry of `push` whose marker is damaged: the batch was committed, and must not be
/// committed again.
pub fn from_damaged_marker(push: &Push, snapshot: &Snapshot, now: Timestamp) -> PushResponse {
    let outcome = |incoming: &Incoming| {
        let write = match &incoming.write {
            Ok(write) => write,
            Err(rejection) => return Outcome::Rejected(rejection.clone()),
        };
        Outcome::of_committed(write, push.atomic, snapshot.records.get(&write.key))
    };
    let outcomes: Vec<Outcome> = push.records.iter().map(outcome).collect();
    build(push, &outcomes, &snapshot.records, (snapshot.stamp(), snapshot.stamp()), now)
}

/// The stored data of a write, where it differs from what was sent and the server still has that version.
fn stored(incoming: &Incoming, server: Option<&Record>, version: u64) -> Option<JsonText> {
    let held = server.filter(|record| record.version == version)?;
    incoming.write.as_ref().ok()?.differing(&held.data)
}

/// The response with these outcomes; `copies` has the server's copies of rejected records.
fn build(
    push: &Push,
    outcomes: &[Outcome],
    copies: &BTreeMap<RecordKey, Record>,
    (prev, stamp): (Stamp, Stamp),
    now: Timestamp,
) -> PushResponse {
    let undone = push.atomic && !outcomes.iter().all(Outcome::is_applied);
    let mut response = PushResponse {
        success: !undone,
        synced_count: 0,
        conflicts: Vec::new(),
        errors: Vec::new(),
        applied: Vec::new(),
        prev,
        stamp,
        cursor: position_text(stamp.into(), push.readable),
        server_time: now.to_string(),
        history: None,
    };
    for (index, (incoming, outcome)) in push.records.iter().zip(outcomes).enumerate() {
        match outcome {
            Outcome::Applied { .. } | Outcome::AlreadyApplied { .. } if undone => {}
            Outcome::Applied { version, stamp, stored, flags } => {
                response.applied.push(applied(index, incoming, *version, *stamp, stored.as_ref(), flags));
            }
            Outcome::AlreadyApplied { version, stamp, stored } => {
                response.applied.push(applied(index, incoming, *version, *stamp, stored.as_ref(), &[]));
            }
            Outcome::Merged { reason, server } => {
                response.conflicts.push(conflict(index, incoming, reason.as_str(), Some(server)));
            }
            Outcome::Conflict { reason, server } => {
                response.conflicts.push(conflict(index, incoming, reason.as_str(), server.as_ref()));
            }
            Outcome::Rejected(rejection) => {
                let copy = incoming.key().and_then(|key| copies.get(key));
                response.errors.push(rejected(index, incoming, rejection, copy));
            }
        }
    }
    response.synced_count = response.applied.len();
    omit_excess_data(&mut response);
    response
}

/// Omits the data of conflicts and rejected records once the response exceeds the limit of Lambda: the till
/// has its own side and can pull the server's.
fn omit_excess_data(response: &mut PushResponse) {
    let mut bytes = 0;
    for applied in &mut response.applied {
        bytes += applied.data.as_ref().map_or(0, escaped_bytes);
        if bytes > RESPONSE_DATA_BYTES_MAX {
            (applied.data, applied.data_omitted) = (None, true);
        }
    }
    for conflict in &mut response.conflicts {
        let sides = conflict.local_data.iter().chain(&conflict.server_data);
        bytes += sides.map(escaped_bytes).sum::<usize>();
        if bytes > RESPONSE_DATA_BYTES_MAX {
            (conflict.local_data, conflict.server_data, conflict.data_omitted) = (None, None, true);
        }
    }
    for rejected in response.errors.iter_mut().filter(|rejected| rejected.server_data.is_some()) {
        bytes += rejected.server_data.as_ref().map_or(0, escaped_bytes);
        if bytes > RESPONSE_DATA_BYTES_MAX {
            (rejected.server_data, rejected.data_omitted) = (None, true);
        }
    }
}

/// Bytes of `data` as an escaped JSON string, which is how Lambda responds.
pub fn escaped_bytes(data: &JsonText) -> usize {
    let bytes = data.as_str().bytes();
    bytes.map(|byte| if matches!(byte, b'"' | b'\\' | b'\n' | b'\r' | b'\t') { 2 } else { 1 }).sum()
}

fn applied(
    index: usize,
    incoming: &Incoming,
    version: u64,
    stamp: Stamp,
    stored: Option<&JsonText>,
    flags: &[Flag],
) -> AppliedRecord {
    AppliedRecord {
        index,
        table_name: incoming.table.clone().unwrap_or_default(),
        record_id: incoming.id.clone().unwrap_or_default(),
        version,
        server_updated_at: stamp.time().to_string(),
        stamp,
        data: stored.cloned(),
        data_omitted: false,
        flags: flags.iter().map(|flag| flag.as_str().to_owned()).collect(),
    }
}

fn rejected(
    index: usize,
    incoming: &Incoming,
    rejection: &Rejection,
    copy: Option<&Record>,
) -> RejectedRecord {
    RejectedRecord {
        index,
        table_name: incoming.table.clone(),
        record_id: incoming.id.clone(),
        code: rejection.code.as_str().to_owned(),
        message: rejection.message.clone(),
        server_data: copy.map(|record| record.data.clone()),
        server_updated_at: copy.map(|record| record.stamp.time().to_string()),
        server_version: copy.map(|record| record.version),
        server_stamp: copy.map(|record| record.stamp),
        server_device_id: copy.map(|record| record.device.to_string()),
        server_is_deleted: copy.is_some_and(|record| record.deleted),
        data_omitted: false,
    }
}

fn conflict(index: usize, incoming: &Incoming, reason: &str, server: Option<&Record>) -> Conflict {
    Conflict {
        index,
        table_name: incoming.table.clone().unwrap_or_default(),
        record_id: incoming.id.clone().unwrap_or_default(),
        reason: reason.to_owned(),
        local_data: incoming.write.as_ref().ok().and_then(|write| write.data.clone()),
        server_data: server.map(|record| record.data.clone()),
        local_updated_at: incoming.local_updated_at.clone(),
        server_updated_at: server.map(|record| record.stamp.time().to_string()),
        server_version: server.map_or(0, |record| record.version),
        server_stamp: server.map(|record| record.stamp),
        server_device_id: server.map(|record| record.device.to_string()),
        server_is_deleted: server.is_some_and(|record| record.deleted),
        data_omitted: false,
    }
}

#[cfg(test)]
mod tests;
