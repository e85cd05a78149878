//! Parsing a push. A bad envelope fails the request; a bad record fails only itself.

mod write;

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

use crate::dead_letter_id::is_replay;
use crate::limits::{DEAD_PAYLOAD_BYTES_MAX, RECORD_SURPLUS_BYTES};
use crate::policy::REPAIR_ROLE;
use crate::policy::additive::has_set;
use crate::tables::Tables;
use crate::tables::digest::TablesDigest;
use protocol::author::unbound;
use protocol::body::read_body;
use protocol::error::{ApiError, ErrorCode};
use protocol::ids::{BatchId, BranchId, DeviceId};
use protocol::json::object::Object;
use protocol::json::{JsonText, parse_error_text, too_deep, truncated};
use protocol::limits::{
    BATCH_BYTES_MAX, FIELDS_MAX, JSON_DEPTH_MAX, PUSH_RECORDS_MAX, RECORD_BYTES_MAX, RECORD_ID_BYTES_MAX,
};
use protocol::record::{RecordKey, is_addressable, is_record_id};
use protocol::role::Role;
use protocol::timestamp::Timestamp;
use protocol::timestamp::device_time::DeviceTime;
use protocol::wire::outcome::{Rejection, RejectionCode};
use protocol::wire::push::PushRecord;

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
    /// Whether the batch is applied as a whole or not at all.
    pub atomic: bool,
    /// SHA-256 over the records as sent; distinguishes a retry from another batch with the same id.
    pub hash: [u8; 32],
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

/// One record as it arrived.
#[derive(Clone, Debug)]
pub struct Incoming {
    /// The table for the response, if it could be read.
    pub table: Option<String>,
    /// The id for the response, if it could be read.
    pub id: Option<String>,
    /// The time as sent, for the response.
    pub local_updated_at: String,
    /// The record as sent, for the dead letters.
    pub raw: JsonText,
    /// The requested write, or why the record is rejected.
    pub write: Result<Write, Rejection>,
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
    /// Parses the body of a push from a caller with `role`.
    pub fn parse(tables: &Tables, role: Role, body: &[u8]) -> Result<Push, ApiError> {
        let envelope: Envelope<'_> = read_body(body)?;
        if let Some(batch) = envelope.batch_id.as_ref().filter(|batch| is_replay(batch)) {
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
        // A malformed clock must not stop sales.
        let device_time = envelope.device_time.and_then(|text| DeviceTime::parse(&text).ok());
        let (device, batch, branch) = (envelope.device_id, envelope.batch_id, envelope.branch_id);
        let (user, arrived_at, readable) = (None, None, tables.digest_of(role));
        Ok(Push { device, user, batch, atomic, hash, device_time, arrived_at, branch, readable, records })
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

    /// The push of one record that the server writes for `device`.
    pub fn of_record(
        device: DeviceId,
        batch: Option<BatchId>,
        hash: [u8; 32],
        readable: TablesDigest,
        record: Incoming,
    ) -> Push {
        let (user, atomic, device_time, arrived_at, branch) = (None, false, None, None, None);
        let records = vec![record];
        Push { device, user, batch, atomic, hash, device_time, arrived_at, branch, readable, records }
    }

    /// The valid writes.
    pub fn writes(&self) -> impl Iterator<Item = &Write> {
        self.records.iter().filter_map(|incoming| incoming.write.as_ref().ok())
    }

    /// The keys of all valid writes, deduplicated and sorted.
    pub fn keys(&self) -> std::collections::BTreeSet<&RecordKey> {
        self.writes().map(|write| &write.key).collect()
    }
}

fn hash(atomic: bool, records: &[&RawValue]) -> [u8; 32] {
    let mut hasher = Sha256::new();
    hasher.update([u8::from(atomic)]);
    for record in records {
        // Length prefixes keep two different lists from having the same bytes.
        hasher.update((record.get().len() as u64).to_le_bytes());
        hasher.update(record.get().as_bytes());
    }
    hasher.finalize().into()
}

/// The rule of [`RejectionCode::BadRecordId`].
pub(crate) const RECORD_ID_RULE: &str =
    "A record id must be 1 to 255 bytes without control characters, and neither `.` nor `..`.";

impl Incoming {
    /// Parses one record written by a caller with `role`.
    pub fn read(tables: &Tables, role: Role, raw: &RawValue) -> Incoming {
        read_record(tables, role, raw).0
    }
}

/// Parses one record; also returns how many bytes it counts in its batch: those of its data, and those of its
/// other members over [`RECORD_SURPLUS_BYTES`], as far as they are kept if it is rejected.
fn read_record(tables: &Tables, role: Role, raw: &RawValue) -> (Incoming, usize) {
    let text = raw.get();
    let raw = JsonText::from(raw.to_owned());
    match serde_json::from_str::<PushRecord>(text) {
        Ok(body) if text.starts_with('{') => {
            let data = body.data.as_ref().map_or(0, |data| data.as_str().len()).min(RECORD_BYTES_MAX);
            let bytes = data.max(text.len().min(DEAD_PAYLOAD_BYTES_MAX).saturating_sub(RECORD_SURPLUS_BYTES));
            let (table, id) = (Some(echo(&body.table_name)), Some(echo(&body.record_id)));
            let local_updated_at = echo(&body.local_updated_at);
            (Incoming { table, id, local_updated_at, raw, write: check(tables, role, body) }, bytes)
        }
        other => {
            let why = other
                .err()
                .map_or_else(|| "it must be an object".to_owned(), |error| parse_error_text(&error));
            let write =
                Err(RejectionCode::Malformed.with_message(format!("The record does not fit: {why}.")));
            let (table, id) = (member(text, "table_name"), member(text, "record_id"));
            (
                Incoming { table, id, local_updated_at: String::new(), raw, write },
                text.len().min(DEAD_PAYLOAD_BYTES_MAX),
            )
        }
    }
}

/// A text member of a record that failed to parse, so that its error can name the record.
fn member(raw: &str, name: &str) -> Option<String> {
    let members: std::collections::BTreeMap<String, &RawValue> = serde_json::from_str(raw).ok()?;
    serde_json::from_str::<String>(members.get(name)?.get()).ok().map(|text| echo(&text))
}

/// A name as the response repeats it, cut to the length of the longest valid id.
fn echo(text: &str) -> String {
    truncated(text, RECORD_ID_BYTES_MAX).to_owned()
}

/// Whether every member name is valid Unicode. JSON allows escapes of half a surrogate pair.
fn names_are_texts(data: &JsonText) -> bool {
    !data.as_str().contains("\\u") || Object::parse(data).is_ok()
}

fn check(tables: &Tables, role: Role, body: PushRecord) -> Result<Write, Rejection> {
    let Some(table) = tables.get(&body.table_name) else {
        return Err(RejectionCode::UnknownTable
            .with_message("This table is not synced; PROTOCOL.md lists those that are."));
    };
    if role < table.write {
        let message =
            format!("A {role} may not write this table; it takes at least the role {}.", table.write);
        return Err(RejectionCode::Forbidden.with_message(message));
    }
    // An old record with such an id can still be deleted.
    let addressable = body.is_deleted || is_addressable(&body.record_id);
    if !is_record_id(&body.record_id) || !addressable {
        return Err(RejectionCode::BadRecordId.with_message(RECORD_ID_RULE));
    }
    let at = DeviceTime::parse(&body.local_updated_at).map_err(|_| {
        RejectionCode::BadTime
            .with_message("`local_updated_at` must be RFC 3339, such as 2025-12-07T10:30:00Z.")
    })?;
    match &body.data {
        None if body.is_deleted => {}
        Some(data) if data.as_str().len() > RECORD_BYTES_MAX => {
            let message =
                format!("`data` has {} bytes; at most {RECORD_BYTES_MAX} fit.", data.as_str().len());
            return Err(RejectionCode::RecordTooLarge.with_message(message));
        }
        Some(data) if too_deep(data.as_str().as_bytes()) => {
            let message = format!("`data` nests deeper than {JSON_DEPTH_MAX} levels.");
            return Err(RejectionCode::TooDeep.with_message(message));
        }
        // A member name that is not valid Unicode can be neither merged nor compared.
        Some(data) if data.is_object() && names_are_texts(data) => {}
        _ => {
            let message = "`data` must be a JSON object whose names are texts; only a delete may have null.";
            return Err(RejectionCode::Malformed.with_message(message));
        }
    }
    if body.fields.as_ref().is_some_and(|fields| fields.len() > FIELDS_MAX) {
        return Err(RejectionCode::Malformed.with_message(format!("`fields` may have {FIELDS_MAX} names.")));
    }
    let may_repair = role >= REPAIR_ROLE;
    if !may_repair && body.data.as_ref().is_some_and(has_set) {
        let message = format!("A {role} may not set a sum; it takes at least the role {REPAIR_ROLE}.");
        return Err(RejectionCode::Forbidden.with_message(message));
    }
    let key = RecordKey { table: body.table_name, id: body.record_id };
    Ok(Write {
        key,
        data: body.data,
        at,
        deleted: body.is_deleted,
        base: body.base_version,
        fields: body.fields,
        may_repair,
    })
}

#[cfg(test)]
mod tests;
