//! Parsing a push. A bad envelope fails the request; a bad record fails only itself.

mod incoming;
mod write;

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::batch_hash::BatchHash;
use crate::dead_letter_id::is_replay;
use crate::tables::Tables;
use crate::tables::digest::TablesDigest;
use protocol::author::unbound;
use protocol::body::read_body;
use protocol::error::{ApiError, ErrorCode};
use protocol::ids::{BatchId, BranchId, DeviceId};
use protocol::json::integer;
use protocol::limits::{BATCH_BYTES_MAX, PUSH_RECORDS_MAX};
use protocol::record::RecordKey;
use protocol::role::Role;
use protocol::stamp::Stamp;
use protocol::timestamp::Timestamp;
use protocol::timestamp::device_time::DeviceTime;
use protocol::wire::error_response::TooLargeDetails;

use incoming::read_record;

pub use incoming::Incoming;
pub(crate) use incoming::RECORD_ID_RULE;
pub use write::Write;

/// A push with a valid envelope.
#[derive(Clone, Debug)]
pub struct Push {
    /// The device that pushes.
    pub device: DeviceId,
    /// The caller, if its token belongs to no device and may therefore name any.
    pub user: Option<String>,
    /// The id that makes the batch exactly-once, if the device sent one.
    pub batch: Option<BatchId>,
    /// The number of the batch among those of its device, which grows with each, if the device counts them.
    pub seq: Option<u64>,
    /// The stamp up to which the device had seen every change when it made the writes, if it says so.
    pub base_stamp: Option<Stamp>,
    /// Whether the batch is applied as a whole or not at all.
    pub atomic: bool,
    /// Distinguishes a retry from another batch with the same id.
    pub hash: BatchHash,
    /// The till's clock when it sent the batch; `None` if absent or malformed.
    pub device_time: Option<DeviceTime>,
    /// When it arrived at the server; `None` if it is decided at once.
    pub arrived_at: Option<Timestamp>,
    /// The branch to write to, if the caller named one.
    pub branch: Option<BranchId>,
    /// The tables that the caller may read, for the cursor of the response.
    pub readable: TablesDigest,
    /// The records in the order of the request.
    pub records: Vec<Incoming>,
}

#[derive(Deserialize)]
#[serde(expecting = "an object with `device_id` and `records`")]
struct Envelope<'a> {
    device_id: DeviceId,
    #[serde(default)]
    batch_id: Option<BatchId>,
    #[serde(default, deserialize_with = "integer::optional")]
    device_seq: Option<u64>,
    #[serde(default, deserialize_with = "integer::optional_stamp")]
    base_stamp: Option<Stamp>,
    #[serde(default)]
    atomic: Option<bool>,
    #[serde(default)]
    device_time: Option<String>,
    #[serde(default)]
    branch_id: Option<BranchId>,
    #[serde(borrow)]
    records: Vec<&'a RawValue>,
}

impl Push {
    /// Parses the body of a push from a caller with `role`.
    pub fn parse(tables: &Tables, role: Role, body: &[u8]) -> Result<Push, ApiError> {
        let envelope: Envelope<'_> = read_body(body)?;
        if let Some(batch) = envelope.batch_id.as_ref().filter(|batch| is_replay(batch)) {
            let message = format!("`batch_id` must not begin as {batch:?} does: `dead:` is for replays.");
            return Err(ApiError::new(ErrorCode::BadRequest, message));
        }
        let too_large =
            |what: String, details| Err(ApiError::too_large(ErrorCode::BatchTooLarge, what, details));
        let count = envelope.records.len();
        if count > PUSH_RECORDS_MAX {
            let message = format!("The batch has {count} records; send at most {PUSH_RECORDS_MAX} at once.");
            return too_large(message, TooLargeDetails::records(PUSH_RECORDS_MAX, count));
        }
        let atomic = envelope.atomic.unwrap_or(false);
        let hash = BatchHash::of(atomic, &envelope.records);
        let read = |raw: &&RawValue| read_record(tables, role, raw);
        let (records, sizes): (Vec<Incoming>, Vec<usize>) = envelope.records.iter().map(read).unzip();
        let bytes: usize = sizes.iter().sum();
        if bytes > BATCH_BYTES_MAX {
            let message =
                format!("The batch has {bytes} bytes of data; send at most {BATCH_BYTES_MAX} at once.");
            return too_large(message, TooLargeDetails::bytes(BATCH_BYTES_MAX, Some(bytes)));
        }
        // Of a group that was applied, a retry without a marker might be in conflict, and call it undone.
        if envelope.batch_id.is_none() && records.iter().any(|record| record.group.is_some()) {
            let message = "Records with a `group` need a batch with a `batch_id`.";
            return Err(ApiError::new(ErrorCode::GroupNeedsBatch, message));
        }
        // A malformed clock must not stop sales.
        let device_time = envelope.device_time.and_then(|text| DeviceTime::parse(&text).ok());
        let readable = tables.digest_of(role);
        let push = Push::of_records(envelope.device_id, envelope.batch_id, hash, readable, records);
        let (seq, base_stamp, branch) = (envelope.device_seq, envelope.base_stamp, envelope.branch_id);
        Ok(Push { seq, base_stamp, atomic, device_time, branch, ..push })
    }

    /// The same push, which arrived at `arrived_at`.
    pub fn arrived(self, arrived_at: Timestamp) -> Push {
        Push { arrived_at: Some(arrived_at), ..self }
    }

    /// The same push by the caller `user`, whose token belongs to no device; `None` for the device itself.
    pub fn by(self, user: Option<&str>) -> Push {
        Push { user: user.map(str::to_owned), ..self }
    }

    /// The device that its writes count as.
    pub fn author(&self) -> Cow<'_, DeviceId> {
        match self.user {
            Some(_) => Cow::Owned(unbound(&self.device)),
            None => Cow::Borrowed(&self.device),
        }
    }

    /// The push of records of `device`, and nothing else.
    pub fn of_records(
        device: DeviceId,
        batch: Option<BatchId>,
        hash: BatchHash,
        readable: TablesDigest,
        records: Vec<Incoming>,
    ) -> Push {
        Push {
            device,
            user: None,
            batch,
            seq: None,
            base_stamp: None,
            atomic: false,
            hash,
            device_time: None,
            arrived_at: None,
            branch: None,
            readable,
            records,
        }
    }

    /// The valid writes.
    pub fn writes(&self) -> impl Iterator<Item = &Write> {
        self.records.iter().filter_map(|incoming| incoming.write.as_ref().ok())
    }

    /// The number of the batch, if it counts among those that the room holds of its device: only a batch with
    /// an id is committed once.
    pub fn counted_seq(&self) -> Option<u64> {
        self.seq.filter(|_| self.batch.is_some())
    }

    /// The keys to read: those of all valid writes, and of rejected records whose copy the caller may see.
    pub fn keys_to_read(&self) -> std::collections::BTreeSet<&RecordKey> {
        self.records.iter().filter_map(Incoming::key).collect()
    }

    /// The keys of all valid writes, deduplicated and sorted.
    pub fn keys(&self) -> std::collections::BTreeSet<&RecordKey> {
        self.writes().map(|write| &write.key).collect()
    }
}

#[cfg(test)]
mod tests;
