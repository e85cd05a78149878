//! Reading a push: the envelope is refused as a whole, a record only by itself.

use serde::Deserialize;
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

use crate::decide::has_delta;
use crate::tables::Tables;
use protocol::body::read_body;
use protocol::error::{ApiError, ErrorCode};
use protocol::ids::{BatchId, BranchId, DeviceId};
use protocol::json::object::Object;
use protocol::json::{JsonText, too_deep, what_is_wrong};
use protocol::limits::{
    BATCH_BYTES_MAX, FIELDS_MAX, JSON_DEPTH_MAX, PUSH_RECORDS_MAX, RECORD_BYTES_MAX, RECORD_ID_BYTES_MAX,
};
use protocol::record::{RecordKey, is_record_id};
use protocol::role::Role;
use protocol::timestamp::Timestamp;
use protocol::wire::outcome::{Rejection, RejectionCode};
use protocol::wire::push::RecordBody;

/// A push whose envelope is sound.
#[derive(Clone, Debug)]
pub struct Push {
    /// Who pushes.
    pub device: DeviceId,
    /// The batch's name, if the device wants it applied exactly once.
    pub batch: Option<BatchId>,
    /// All or nothing.
    pub atomic: bool,
    /// SHA-256 over the records as they were sent: tells a retry from another batch of the same name.
    pub hash: [u8; 32],
    /// The till's clock when it sent the batch, if it said so in a way that can be read.
    pub device_time: Option<Timestamp>,
    /// The branch to write to, where the caller named one.
    pub branch: Option<BranchId>,
    /// The records in the order they were sent.
    pub records: Vec<Incoming>,
}

/// One record as it arrived.
#[derive(Clone, Debug)]
pub struct Incoming {
    /// The table, as far as it could be read; for the answer.
    pub table: Option<String>,
    /// The id, as far as it could be read; for the answer.
    pub id: Option<String>,
    /// The time as it was sent; for the answer.
    pub local_updated_at: String,
    /// The record as it was sent; kept if it is rejected.
    pub raw: JsonText,
    /// What is asked for, or why it cannot be.
    pub write: Result<Write, Rejection>,
}

/// A write that can be decided.
#[derive(Clone, Debug)]
pub struct Write {
    /// Which record.
    pub key: RecordKey,
    /// The record; none only in a delete.
    pub data: Option<JsonText>,
    /// The time at the till.
    pub at: Timestamp,
    /// Whether it deletes.
    pub deleted: bool,
    /// The version the till started from; 0 = "I create this".
    pub base: Option<u64>,
    /// The members of `data` that changed; all, if none are named.
    pub fields: Option<Vec<String>>,
}

impl Write {
    /// Whether what is stored cannot be told from what was sent alone: it names members, or has deltas.
    pub fn is_partial(&self) -> bool {
        self.fields.is_some() || self.data.as_ref().is_some_and(has_delta)
    }
}

#[derive(Deserialize)]
#[serde(expecting = "an object with `device_id` and `records`")]
struct Envelope<'a> {
    device_id: DeviceId,
    #[serde(default)]
    batch_id: Option<BatchId>,
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
    /// Reads the body of a push by somebody whose role is `role`.
    pub fn parse(tables: &Tables, role: Role, body: &[u8]) -> Result<Push, ApiError> {
        let envelope: Envelope<'_> = read_body(body)?;
        if let Some(batch) = envelope.batch_id.as_ref().filter(|batch| is_reserved(batch)) {
            let message = format!("`batch_id` must not begin as {batch:?} does: `dead:` is for replays.");
            return Err(ApiError::new(ErrorCode::BadRequest, message));
        }
        let too_large = |what: String| Err(ApiError::new(ErrorCode::BatchTooLarge, what));
        let count = envelope.records.len();
        if count > PUSH_RECORDS_MAX {
            return too_large(format!(
                "The batch has {count} records; send at most {PUSH_RECORDS_MAX} at once."
            ));
        }
        let atomic = envelope.atomic.unwrap_or(false);
        let hash = hash(atomic, &envelope.records);
        let read = |raw: &&RawValue| read_record(tables, role, raw);
        let (records, sizes): (Vec<_>, Vec<_>) = envelope.records.iter().map(read).unzip();
        let bytes: usize = sizes.iter().sum();
        if bytes > BATCH_BYTES_MAX {
            return too_large(format!(
                "The batch has {bytes} bytes of data; send at most {BATCH_BYTES_MAX} at once."
            ));
        }
        // A clock that cannot be read is no reason to refuse sales.
        let device_time = envelope.device_time.and_then(|text| Timestamp::parse(&text).ok());
        let (device, batch, branch) = (envelope.device_id, envelope.batch_id, envelope.branch_id);
        Ok(Push { device, batch, atomic, hash, device_time, branch, records })
    }

    /// The records that must be looked at, each once, in key order.
    pub fn keys(&self) -> std::collections::BTreeSet<&RecordKey> {
        self.records
            .iter()
            .filter_map(|incoming| incoming.write.as_ref().ok())
            .map(|write| &write.key)
            .collect()
    }
}

/// Whether a batch of this name is the replay of a dead letter, which no device names.
pub fn is_reserved(batch: &BatchId) -> bool {
    batch.as_str().starts_with(REPLAY_PREFIX)
}

/// What the batch of a dead letter's replay is called before the letter's id.
pub const REPLAY_PREFIX: &str = "dead:";

fn hash(atomic: bool, records: &[&RawValue]) -> [u8; 32] {
    let mut hasher = Sha256::new();
    hasher.update([u8::from(atomic)]);
    for record in records {
        // The length goes first, so that no two lists of records look the same.
        hasher.update((record.get().len() as u64).to_le_bytes());
        hasher.update(record.get().as_bytes());
    }
    hasher.finalize().into()
}

impl Incoming {
    /// Reads one record, written by somebody whose role is `role`.
    pub fn read(tables: &Tables, role: Role, raw: &RawValue) -> Incoming {
        read_record(tables, role, raw).0
    }
}

/// Reads one record, and how many bytes of data it has.
fn read_record(tables: &Tables, role: Role, raw: &RawValue) -> (Incoming, usize) {
    let text = raw.get();
    let raw = JsonText::from(raw.to_owned());
    match serde_json::from_str::<RecordBody>(text) {
        Ok(body) if text.starts_with('{') => {
            let bytes = body.data.as_ref().map_or(0, |data| data.as_str().len());
            let (table, id) = (Some(echo(&body.table_name)), Some(echo(&body.record_id)));
            let local_updated_at = echo(&body.local_updated_at);
            (Incoming { table, id, local_updated_at, raw, write: check(tables, role, body) }, bytes)
        }
        other => {
            let why =
                other.err().map_or_else(|| "it must be an object".to_owned(), |error| what_is_wrong(&error));
            let write = Err(RejectionCode::Malformed.because(format!("The record does not fit: {why}.")));
            let (table, id) = (member(text, "table_name"), member(text, "record_id"));
            (Incoming { table, id, local_updated_at: String::new(), raw, write }, text.len())
        }
    }
}

/// A text member of a record that could not be read as a whole, so that its error can name it.
fn member(raw: &str, name: &str) -> Option<String> {
    let members: std::collections::BTreeMap<String, &RawValue> = serde_json::from_str(raw).ok()?;
    serde_json::from_str::<String>(members.get(name)?.get()).ok().map(|text| echo(&text))
}

/// A name as the answer repeats it: whole, if it is a good one.
fn echo(text: &str) -> String {
    text.get(..text.floor_char_boundary(RECORD_ID_BYTES_MAX)).unwrap_or_default().to_owned()
}

/// Whether every member's name is a text. JSON can write half of a surrogate pair, which is none.
fn names_are_texts(data: &JsonText) -> bool {
    !data.as_str().contains("\\u") || Object::parse(data).is_ok()
}

fn check(tables: &Tables, role: Role, body: RecordBody) -> Result<Write, Rejection> {
    let Some(table) = tables.get(&body.table_name) else {
        return Err(RejectionCode::UnknownTable
            .because("This table is not synced; PROTOCOL.md lists those that are."));
    };
    if role < table.write {
        let message =
            format!("A {role} may not write this table; it takes at least the role {}.", table.write);
        return Err(RejectionCode::Forbidden.because(message));
    }
    if !is_record_id(&body.record_id) {
        let rule = "A record id must be 1 to 255 bytes without control characters.";
        return Err(RejectionCode::BadRecordId.because(rule));
    }
    let at = Timestamp::parse(&body.local_updated_at).map_err(|_| {
        RejectionCode::BadTime.because("`local_updated_at` must be RFC 3339, such as 2025-12-07T10:30:00Z.")
    })?;
    match &body.data {
        None if body.is_deleted => {}
        Some(data) if data.as_str().len() > RECORD_BYTES_MAX => {
            let message =
                format!("`data` has {} bytes; at most {RECORD_BYTES_MAX} fit.", data.as_str().len());
            return Err(RejectionCode::RecordTooLarge.because(message));
        }
        Some(data) if too_deep(data.as_str().as_bytes()) => {
            let message = format!("`data` nests deeper than {JSON_DEPTH_MAX} levels.");
            return Err(RejectionCode::TooDeep.because(message));
        }
        // A name that is no text cannot be merged with, or compared.
        Some(data) if data.is_object() && names_are_texts(data) => {}
        _ => {
            let message = "`data` must be a JSON object whose names are texts; only a delete may have null.";
            return Err(RejectionCode::Malformed.because(message));
        }
    }
    if body.fields.as_ref().is_some_and(|fields| fields.len() > FIELDS_MAX) {
        return Err(RejectionCode::Malformed.because(format!("`fields` may have {FIELDS_MAX} names.")));
    }
    let key = RecordKey { table: body.table_name, id: body.record_id };
    Ok(Write {
        key,
        data: body.data,
        at,
        deleted: body.is_deleted,
        base: body.base_version,
        fields: body.fields,
    })
}

#[cfg(test)]
mod tests;
