//! Resolves a conflict: the server's copy stays, or the client's data replaces it.

use serde_json::value::to_raw_value;
use sha2::{Digest, Sha256};

use crate::batch_hash::BatchHash;
use crate::cursor::position_text;
use crate::dead_letter_id::is_replay;
use crate::decide::{Plan, decide};
use crate::outcome::Outcome;
use crate::policy::additive::sum_change;
use crate::push::{Incoming, Push};
use crate::record::Record;
use crate::rules::SyncRules;
use crate::snapshot::Snapshot;
use crate::tables::Tables;
use crate::tables::digest::TablesDigest;
use protocol::body::read_body;
use protocol::error::{ApiError, ErrorCode};
use protocol::ids::{BatchId, BranchId, DeviceId};
use protocol::json::JsonText;
use protocol::json::object::Object;
use protocol::record::{RecordKey, is_record_id};
use protocol::role::Role;
use protocol::stamp::Stamp;
use protocol::timestamp::Timestamp;
use protocol::wire::outcome::{Flag, Rejection, RejectionCode, RejectionDetails};
use protocol::wire::push::PushRecord;
use protocol::wire::resolve::{Resolution, ResolveRequest, ResolveResponse};

/// A valid request.
#[derive(Clone, Debug)]
pub struct Resolve {
    /// The device on which a person resolved the conflict.
    pub device: DeviceId,
    /// As [`Push::user`].
    pub user: Option<String>,
    /// The id that makes the request exactly-once, if the device sent one.
    pub batch: Option<BatchId>,
    /// The branch, if the caller named one.
    pub branch: Option<BranchId>,
    /// The record.
    pub key: RecordKey,
    role: Role,
    /// The tables that the caller may read, for the cursor of the response.
    readable: TablesDigest,
    /// The data to write; `None` if the server's copy stays.
    data: Option<JsonText>,
    expected: Option<u64>,
    hash: BatchHash,
}

/// What to do.
#[derive(Debug)]
pub enum Resolved {
    /// Answer; nothing to write.
    Known(Box<ResolveResponse>),
    /// Read again: the record was read before the commit and its marker after it.
    TornRead,
    /// Commit, then answer.
    Write(Box<AllowedWrite>),
}

impl Resolved {
    fn known(response: ResolveResponse) -> Resolved {
        Resolved::Known(Box::new(response))
    }
}

/// A write that the table's policy allows.
#[derive(Debug)]
pub struct AllowedWrite {
    /// The write.
    pub push: Push,
    /// The decision.
    pub plan: Plan,
    /// The response after the commit.
    pub response: ResolveResponse,
}

impl Resolve {
    /// Parses the body of a request from a caller with `role`.
    pub fn parse(tables: &Tables, role: Role, body: &[u8]) -> Result<Resolve, ApiError> {
        let body: ResolveRequest = read_body(body)?;
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
        if body.batch_id.as_ref().is_some_and(is_replay) {
            return Err(bad("`batch_id` must not begin with `dead:`, which is for replays."));
        }
        if !is_record_id(&body.record_id) {
            return Err(bad("`record_id` must be 1 to 255 bytes without control characters."));
        }
        let key = RecordKey { table: body.table_name, id: body.record_id };
        let hash = hash(&key, data.as_ref(), body.expected_version);
        let (device, batch, branch) = (body.device_id, body.batch_id, body.branch_id);
        let (readable, expected) = (tables.digest_of(role), body.expected_version);
        Ok(Resolve { device, user: None, batch, branch, key, role, readable, data, expected, hash })
    }

    /// The same request by the caller `user`; see [`Push::by`].
    pub fn by(self, user: Option<&str>) -> Resolve {
        Resolve { user: user.map(str::to_owned), ..self }
    }

    /// Decides the request against `snapshot` at `now`.
    pub fn decide(
        &self,
        rules: &SyncRules,
        snapshot: &Snapshot,
        now: Timestamp,
    ) -> Result<Resolved, ApiError> {
        if snapshot.damaged.contains(&self.key) {
            let message = "The server's copy is damaged; resolve the conflict once it is repaired.";
            return Err(rejected(message.to_owned(), RejectionCode::RecordCorrupt.as_str()));
        }
        let current = snapshot.records.get(&self.key);
        if snapshot.is_marker_damaged {
            // It was committed, at a stamp that is not known.
            let record = current.ok_or_else(not_found)?;
            return Ok(Resolved::known(self.response(record, snapshot.stamp(), snapshot.stamp())));
        }
        if let Some(marker) = snapshot.settled(&self.hash, self.user.as_deref()) {
            if !marker.hash.is_same(&self.hash) {
                let message =
                    "This device used the `batch_id` for something else; give every request its own.";
                return Err(ApiError::new(ErrorCode::BatchIdReused, message));
            }
            // A retry. The response shows the current record, which may be newer than the commit.
            let record = current.ok_or_else(not_found)?;
            if marker.stamp > marker.prev && record.stamp < marker.stamp {
                return Ok(Resolved::TornRead);
            }
            return Ok(Resolved::known(self.response(record, marker.prev, marker.stamp)));
        }
        let record = current.ok_or_else(not_found)?;
        if self.expected.is_some_and(|expected| expected != record.version) {
            let message = "The record has changed since then; `details` is what it is now.";
            let copy = record.version_changed_details(&self.key);
            return Err(ApiError::new(ErrorCode::VersionChanged, message).with_details(&copy));
        }
        let Some(data) = &self.data else {
            return Ok(Resolved::known(self.response(record, snapshot.stamp(), snapshot.stamp())));
        };
        let push = self.push(rules, record, data, now)?;
        let plan = decide(rules, snapshot, &push, now);
        let stored = plan.puts.first().map_or(record, |put| &put.record);
        self.refuse_parts(rules, &plan, data, stored)?;
        let response = self.response(stored, plan.prev, plan.stamp());
        Ok(Resolved::Write(Box::new(AllowedWrite { push, plan, response })))
    }

    /// Refuses a plan that does not store all of `data`.
    fn refuse_parts(
        &self,
        rules: &SyncRules,
        plan: &Plan,
        data: &JsonText,
        stored: &Record,
    ) -> Result<(), ApiError> {
        match plan.outcomes.first() {
            Some(Outcome::Applied { flags, .. }) if flags.contains(&Flag::ClampedToFloor) => {
                let message = "A sum would fall below its floor.";
                return Err(rejected(message.to_owned(), RejectionCode::BelowFloor.as_str()));
            }
            Some(Outcome::Applied { .. } | Outcome::AlreadyApplied { .. }) => {
                if let Some(rejection) = left_out(&rules.tables, &self.key, data, &stored.data) {
                    return Err(rejected(rejection.message, rejection.code.as_str()));
                }
            }
            Some(Outcome::Rejected(rejection)) => {
                return Err(rejected(rejection.message.clone(), rejection.code.as_str()));
            }
            Some(Outcome::Merged { reason, .. } | Outcome::Conflict { reason, .. }) => {
                let message = "The table's policy keeps the server's copy.";
                return Err(rejected(message.to_owned(), reason.as_str()));
            }
            None => return Err(rejected("There is nothing to write.".to_owned(), "malformed")),
        }
        Ok(())
    }

    /// The write over the server's copy, whatever its version.
    fn push(
        &self,
        rules: &SyncRules,
        over: &Record,
        data: &JsonText,
        now: Timestamp,
    ) -> Result<Push, ApiError> {
        let body = PushRecord {
            table_name: self.key.table.clone(),
            record_id: self.key.id.clone(),
            data: Some(data.clone()),
            local_updated_at: Some(now.to_string()),
            base_version: Some(over.version),
            ..PushRecord::default()
        };
        let raw = to_raw_value(&body).map_err(|error| rejected(error.to_string(), "malformed"))?;
        let incoming = Incoming::read(&rules.tables, self.role, &raw);
        let (device, batch) = (self.device.clone(), self.batch.clone());
        let push = Push::of_records(device, batch, self.hash, self.readable, vec![incoming]);
        Ok(push.by(self.user.as_deref()))
    }

    fn response(&self, record: &Record, prev: Stamp, stamp: Stamp) -> ResolveResponse {
        let copy = record.version_changed_details(&self.key);
        ResolveResponse {
            success: true,
            table_name: copy.table_name,
            record_id: copy.record_id,
            version: copy.version,
            data: copy.data,
            is_deleted: copy.is_deleted,
            server_updated_at: copy.server_updated_at,
            record: record.response(&self.key),
            stamp,
            prev,
            cursor: position_text(stamp.into(), self.readable),
            history: None,
        }
    }
}

/// What `stored` lacks of the `sent` data although the write is applied: a push ignores a plain value that
/// differs from the sum, but a resolution promises the whole record.
fn left_out(tables: &Tables, key: &RecordKey, sent: &JsonText, stored: &JsonText) -> Option<Rejection> {
    let (sent, stored) = (Object::parse(sent).ok()?, Object::parse(stored).ok()?);
    let is_plain = |value| matches!(sum_change(value), Ok(None));
    let is_left_out = |name: &str, value| is_plain(value) && stored.get(name) != Some(value);
    let (name, _) = sent.iter().find(|(name, value)| is_left_out(name, *value))?;
    let is_state = tables.get(&key.table).is_some_and(|table| table.is_state(name));
    let code = if is_state { RejectionCode::BadTransition } else { RejectionCode::DeltaRequired };
    Some(code.with_message(format!(
        "{name:?} cannot be set by a plain value; leave it out, or change it by its rule."
    )))
}

/// Distinguishes a retry from another request with the same id. No push has the same hash.
fn hash(key: &RecordKey, data: Option<&JsonText>, expected: Option<u64>) -> BatchHash {
    let mut hasher = Sha256::new();
    let data = data.map_or("", JsonText::as_str);
    for part in ["resolve-conflict", &key.table, &key.id, data] {
        // Length prefixes keep two different requests from having the same bytes.
        hasher.update((part.len() as u64).to_le_bytes());
        hasher.update(part.as_bytes());
    }
    hasher.update([u8::from(expected.is_some())]);
    hasher.update(expected.unwrap_or_default().to_le_bytes());
    BatchHash::exact(hasher.finalize().into())
}

fn not_found() -> ApiError {
    ApiError::new(ErrorCode::RecordNotFound, "The server has no such record, not even as a deleted one.")
}

fn rejected(message: String, code: &str) -> ApiError {
    ApiError::new(ErrorCode::RecordRejected, message)
        .with_details(&RejectionDetails { code: code.to_owned() })
}

#[cfg(test)]
mod tests;
