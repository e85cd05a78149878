//! A record of a push as it arrived.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use super::Write;
use crate::limits::{DEAD_PAYLOAD_BYTES_MAX, RECORD_SURPLUS_BYTES};
use crate::policy::REPAIR_ROLE;
use crate::policy::additive::has_set;
use crate::tables::Tables;
use protocol::ids::{BadId, GroupId};
use protocol::json::object::Object;
use protocol::json::{JsonText, parse_error_text, too_deep, truncated};
use protocol::limits::{FIELDS_MAX, JSON_DEPTH_MAX, RECORD_BYTES_MAX, RECORD_ID_BYTES_MAX};
use protocol::record::{RecordKey, is_addressable, is_record_id};
use protocol::role::Role;
use protocol::timestamp::device_time::DeviceTime;
use protocol::wire::outcome::{Rejection, RejectionCode};
use protocol::wire::push::PushRecord;

/// One record as it arrived.
#[derive(Clone, Debug)]
pub struct Incoming {
    /// The table for the response, if it could be read.
    pub table: Option<String>,
    /// The id for the response, if it could be read.
    pub id: Option<String>,
    /// The time as sent, for the response.
    pub local_updated_at: Option<String>,
    /// The group that it is applied with, if it could be read.
    pub group: Option<GroupId>,
    /// The record as sent, for the dead letters.
    pub raw: JsonText,
    /// The requested write, or why the record is rejected.
    pub write: Result<Write, Rejection>,
    /// Of a rejected record: the key of the server's copy, if the caller may read it.
    shown: Option<RecordKey>,
}

/// The rule of [`RejectionCode::BadRecordId`].
pub(crate) const RECORD_ID_RULE: &str =
    "A record id must be 1 to 255 bytes without control characters, and neither `.` nor `..`.";

impl Incoming {
    /// The record that it is about; `None` if that cannot be read, or if the caller may not read it.
    pub fn key(&self) -> Option<&RecordKey> {
        self.write.as_ref().map_or(self.shown.as_ref(), |write| Some(&write.key))
    }

    /// Parses one record written by a caller with `role`.
    pub fn read(tables: &Tables, role: Role, raw: &RawValue) -> Incoming {
        read_record(tables, role, raw).0
    }
}

/// Parses one record; also returns how many bytes it counts in its batch: those of its data, and those of its
/// other members over [`RECORD_SURPLUS_BYTES`], as far as they are kept if it is rejected.
pub(super) fn read_record(tables: &Tables, role: Role, raw: &RawValue) -> (Incoming, usize) {
    let text = raw.get();
    let raw = JsonText::from(raw.to_owned());
    match serde_json::from_str::<PushRecord>(text) {
        Ok(body) if text.starts_with('{') => {
            let data = body.data.as_ref().map_or(0, |data| data.as_str().len()).min(RECORD_BYTES_MAX);
            let bytes = data.max(text.len().min(DEAD_PAYLOAD_BYTES_MAX).saturating_sub(RECORD_SURPLUS_BYTES));
            let (table, id) = (Some(echo(&body.table_name)), Some(echo(&body.record_id)));
            let local_updated_at = body.local_updated_at.as_deref().map(echo);
            let shown = shown(tables, role, &body.table_name, &body.record_id);
            let (group, write) = match body.group.as_deref().map(str::parse).transpose() {
                Ok(group) => (group, check(tables, role, body)),
                Err(bad) => (None, Err(RejectionCode::Malformed.with_message(BadId::to_string(&bad)))),
            };
            (Incoming { table, id, local_updated_at, group, raw, write, shown }, bytes)
        }
        other => {
            let why = other
                .err()
                .map_or_else(|| "it must be an object".to_owned(), |error| parse_error_text(&error));
            let write =
                Err(RejectionCode::Malformed.with_message(format!("The record does not fit: {why}.")));
            let [table, id, group] = ["table_name", "record_id", "group"].map(|name| member(text, name));
            let shown =
                table.as_ref().zip(id.as_ref()).and_then(|(table, id)| shown(tables, role, table, id));
            let (table, id) = (table.as_deref().map(echo), id.as_deref().map(echo));
            // Its group is undone for it.
            let group = group.and_then(|group| group.parse().ok());
            (
                Incoming { table, id, local_updated_at: None, group, raw, write, shown },
                text.len().min(DEAD_PAYLOAD_BYTES_MAX),
            )
        }
    }
}

/// The record `id` of `table`, if `role` may read it.
fn shown(tables: &Tables, role: Role, table: &str, id: &str) -> Option<RecordKey> {
    let is_readable = tables.may_read(table, role) && is_record_id(id);
    is_readable.then(|| RecordKey { table: table.to_owned(), id: id.to_owned() })
}

/// A text member of a record that failed to parse.
fn member(raw: &str, name: &str) -> Option<String> {
    let members: BTreeMap<String, &RawValue> = serde_json::from_str(raw).ok()?;
    serde_json::from_str(members.get(name)?.get()).ok()
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
    let at = body.local_updated_at.as_deref().map(DeviceTime::parse).transpose().map_err(|_| {
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
