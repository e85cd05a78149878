//! A conflict that somebody has looked at: the server's copy stays, or the client's is written over it.

use serde::{Deserialize, Serialize};
use serde_json::value::to_raw_value;
use sha2::{Digest, Sha256};

use crate::decide::{Plan, decide};
use crate::outcome::Outcome;
use crate::push::{Incoming, Push, is_reserved};
use crate::record::Record;
use crate::rules::Rules;
use crate::snapshot::Snapshot;
use crate::tables::Tables;
use protocol::body::read_body;
use protocol::error::{ApiError, ErrorCode};
use protocol::ids::{BatchId, BranchId, DeviceId};
use protocol::json::JsonText;
use protocol::record::{RecordKey, is_record_id};
use protocol::role::Role;
use protocol::stamp::{Stamp, cursor};
use protocol::timestamp::Timestamp;
use protocol::wire::push::RecordBody;
use protocol::wire::resolve::{Resolution, ResolveResponse};

/// A request that can be decided.
#[derive(Clone, Debug)]
pub struct Resolve {
    /// The device on which somebody decided.
    pub device: DeviceId,
    /// The request's name, if it is to be done exactly once.
    pub batch: Option<BatchId>,
    /// The branch, where the caller named one.
    pub branch: Option<BranchId>,
    /// Which record.
    pub key: RecordKey,
    role: Role,
    /// What is to be written; nothing, if the server's copy stays.
    data: Option<JsonText>,
    expected: Option<u64>,
    hash: [u8; 32],
}

/// What is to be done.
#[derive(Debug)]
pub enum Resolved {
    /// Nothing but to answer.
    Known(ResolveResponse),
    /// Read again: the record was read before the commit, and its marker after it.
    Torn,
    /// To commit, and then to answer.
    Write(Box<Agreed>),
}

/// A write that the table's policy agrees with.
#[derive(Debug)]
pub struct Agreed {
    /// The write.
    pub push: Push,
    /// What it comes to.
    pub plan: Plan,
    /// The answer, once it is committed.
    pub answer: ResolveResponse,
}

/// The body, of which the ids are checked as they are read.
#[derive(Deserialize)]
#[serde(expecting = "an object with `device_id`, `table_name`, `record_id` and `resolution`")]
struct Body {
    device_id: DeviceId,
    #[serde(default)]
    batch_id: Option<BatchId>,
    #[serde(default)]
    branch_id: Option<BranchId>,
    table_name: String,
    record_id: String,
    resolution: Resolution,
    #[serde(default)]
    client_data: Option<JsonText>,
    #[serde(default)]
    expected_version: Option<u64>,
}

/// Why a record cannot be taken, for programs.
#[derive(Serialize)]
struct RejectedDetails<'a> {
    code: &'a str,
}

impl Resolve {
    /// Reads the body of a request by somebody whose role is `role`.
    pub fn parse(tables: &Tables, role: Role, body: &[u8]) -> Result<Resolve, ApiError> {
        let body: Body = read_body(body)?;
        let bad = |message: &str| ApiError::new(ErrorCode::BadRequest, message);
        let table = tables.get(&body.table_name).ok_or_else(|| {
            ApiError::new(
                ErrorCode::UnknownTable,
                "This table is not synced; PROTOCOL.md lists those that are.",
            )
        })?;
        let data = match body.resolution {
            Resolution::AcceptServer => None,
            Resolution::AcceptClient => {
                let sent = body.client_data.filter(JsonText::is_object);
                Some(sent.ok_or_else(|| {
                    bad("To accept the client's side, send it as `client_data`, an object.")
                })?)
            }
        };
        if role < (if data.is_some() { table.write } else { table.read }) {
            let message = "Your role may not resolve conflicts in this table.";
            return Err(ApiError::new(ErrorCode::TableForbidden, message));
        }
        if body.batch_id.as_ref().is_some_and(is_reserved) {
            return Err(bad("`batch_id` must not begin with `dead:`, which is for replays."));
        }
        if !is_record_id(&body.record_id) {
            return Err(bad("`record_id` must be 1 to 255 bytes without control characters."));
        }
        let key = RecordKey { table: body.table_name, id: body.record_id };
        let hash = hash(&key, data.as_ref(), body.expected_version);
        let (device, batch, branch) = (body.device_id, body.batch_id, body.branch_id);
        Ok(Resolve { device, batch, branch, key, role, data, expected: body.expected_version, hash })
    }

    /// Decides the request against `snapshot` at `now`.
    pub fn decide(&self, rules: &Rules, snapshot: &Snapshot, now: Timestamp) -> Result<Resolved, ApiError> {
        let current = snapshot.records.get(&self.key);
        if let Some(marker) = &snapshot.marker {
            if marker.hash != self.hash {
                let message =
                    "This device used the `batch_id` for something else; give every request its own.";
                return Err(ApiError::new(ErrorCode::BatchIdReused, message));
            }
            // Committed before. The record may have moved on since, and what it is now is the better answer.
            let record = current.ok_or_else(not_found)?;
            if marker.stamp > marker.prev && record.stamp < marker.stamp {
                return Ok(Resolved::Torn);
            }
            return Ok(Resolved::Known(self.answer(record, marker.prev, marker.stamp)));
        }
        let record = current.ok_or_else(not_found)?;
        if self.expected.is_some_and(|expected| expected != record.version) {
            let message = "The record has changed since then; `details` is what it is now.";
            let copy = record.current_copy(&self.key);
            return Err(ApiError::new(ErrorCode::VersionChanged, message).with_details(&copy));
        }
        let Some(data) = &self.data else {
            return Ok(Resolved::Known(self.answer(record, snapshot.stamp(), snapshot.stamp())));
        };
        let push = self.push(rules, record, data, now)?;
        let plan = decide(rules, snapshot, &push, now);
        match plan.outcomes.first() {
            Some(Outcome::Applied { .. } | Outcome::Held { .. }) => {}
            Some(Outcome::Rejected(rejection)) => {
                return Err(rejected(rejection.message.clone(), rejection.code.as_str()));
            }
            Some(Outcome::Merged { reason, .. } | Outcome::Conflict { reason, .. }) => {
                let message = "The table's policy keeps the server's copy.";
                return Err(rejected(message.to_owned(), reason.as_str()));
            }
            None => return Err(rejected("There is nothing to write.".to_owned(), "malformed")),
        }
        let stored = plan.puts.first().map_or(record, |put| &put.record);
        let answer = self.answer(stored, plan.prev, plan.stamp());
        Ok(Resolved::Write(Box::new(Agreed { push, plan, answer })))
    }

    /// The write over the server's copy, whatever that is: made now, by somebody who has seen it.
    fn push(&self, rules: &Rules, over: &Record, data: &JsonText, now: Timestamp) -> Result<Push, ApiError> {
        let body = RecordBody {
            table_name: self.key.table.clone(),
            record_id: self.key.id.clone(),
            data: Some(data.clone()),
            local_updated_at: now.to_string(),
            is_deleted: false,
            base_version: Some(over.version),
            fields: None,
        };
        let raw = to_raw_value(&body).map_err(|error| rejected(error.to_string(), "malformed"))?;
        Ok(Push {
            device: self.device.clone(),
            batch: self.batch.clone(),
            atomic: false,
            hash: self.hash,
            device_time: None,
            branch: None,
            records: vec![Incoming::read(&rules.tables, self.role, &raw)],
        })
    }

    fn answer(&self, record: &Record, prev: Stamp, stamp: Stamp) -> ResolveResponse {
        let copy = record.current_copy(&self.key);
        ResolveResponse {
            success: true,
            table_name: copy.table_name,
            record_id: copy.record_id,
            version: copy.version,
            data: copy.data,
            is_deleted: copy.is_deleted,
            server_updated_at: copy.server_updated_at,
            stamp,
            prev,
            cursor: cursor(stamp),
        }
    }
}

/// Tells a retry from another request of the same name; no batch of a push has the same.
fn hash(key: &RecordKey, data: Option<&JsonText>, expected: Option<u64>) -> [u8; 32] {
    let mut hasher = Sha256::new();
    let data = data.map_or("", JsonText::as_str);
    for part in ["resolve-conflict", &key.table, &key.id, data] {
        // The length goes first, so that no two requests look the same.
        hasher.update((part.len() as u64).to_le_bytes());
        hasher.update(part.as_bytes());
    }
    hasher.update([u8::from(expected.is_some())]);
    hasher.update(expected.unwrap_or_default().to_le_bytes());
    hasher.finalize().into()
}

fn not_found() -> ApiError {
    ApiError::new(ErrorCode::RecordNotFound, "The server has no such record, not even as a deleted one.")
}

fn rejected(message: String, code: &str) -> ApiError {
    ApiError::new(ErrorCode::RecordRejected, message).with_details(&RejectedDetails { code })
}

#[cfg(test)]
mod tests;
