//! `POST /api/sync/batch-push`.

use serde::{Deserialize, Serialize};

#[cfg(feature = "schema")]
use crate::ids::{BatchId, BranchId, DeviceId, GroupId};
use crate::json::{JsonText, integer};
#[cfg(feature = "schema")]
use crate::limits::{FIELDS_MAX, PUSH_RECORDS_MAX, RECORD_ID_BYTES_MAX};
use crate::stamp::Stamp;
use crate::wire::publication::Publication;
#[cfg(feature = "schema")]
use crate::wire::schema;

/// The body of a push.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PushRequest {
    /// The device that pushes.
    #[cfg_attr(feature = "schema", schemars(with = "DeviceId"))]
    pub device_id: String,
    /// Makes retries exactly-once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<BatchId>"))]
    pub batch_id: Option<String>,
    /// The number of the batch: greater than that of every batch that the device sent before.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "integer::optional")]
    pub device_seq: Option<u64>,
    /// The stamp up to which the device had seen every change of the branch when it made the writes: what it
    /// knew of records whose `base_version` it does not tell.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "integer::optional_stamp")]
    pub base_stamp: Option<Stamp>,
    /// Whether to apply the batch as a whole or not at all; false if absent.
    #[serde(default)]
    pub atomic: bool,
    /// The till's clock when sending; if it is wrong, it corrects the times of the records.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(extend("format" = "date-time")))]
    pub device_time: Option<String>,
    /// The branch to write to: the caller's own, or for a super admin any of its client.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<BranchId>"))]
    pub branch_id: Option<String>,
    /// At most 50.
    #[cfg_attr(feature = "schema", schemars(length(max = PUSH_RECORDS_MAX)))]
    pub records: Vec<PushRecord>,
}

/// One record of a push.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(expecting = "a record")]
pub struct PushRecord {
    /// The record's table.
    pub table_name: String,
    /// The record's id.
    #[cfg_attr(feature = "schema", schemars(length(min = 1, max = RECORD_ID_BYTES_MAX)))]
    pub record_id: String,
    /// The record; may be `null` in a delete.
    pub data: Option<JsonText>,
    /// RFC 3339: the time of the write by the till's clock. Without it the time decides nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(extend("format" = "date-time")))]
    pub local_updated_at: Option<String>,
    /// Whether the write deletes the record; false if absent.
    #[serde(default)]
    pub is_deleted: bool,
    /// The version the till started from; 0 for "I create this".
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "integer::optional")]
    pub base_version: Option<u64>,
    /// The members of `data` that changed; all if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(length(max = FIELDS_MAX)))]
    pub fields: Option<Vec<String>>,
    /// The group of the record: its records are applied together, or none of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<GroupId>"))]
    pub group: Option<String>,
}

/// The response to a push.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PushResponse {
    /// True if the batch was processed; with `atomic`, if everything was applied.
    pub success: bool,
    /// Number of applied records; retries count too.
    pub synced_count: usize,
    /// Writes that lost against the server's copy.
    pub conflicts: Vec<Conflict>,
    /// Rejected records.
    pub errors: Vec<RejectedRecord>,
    /// Applied records.
    pub applied: Vec<AppliedRecord>,
    /// The room's stamp before this commit.
    pub prev: Stamp,
    /// The last stamp of this commit; `prev`, if nothing was written.
    pub stamp: Stamp,
    /// A pull from here returns what follows this push.
    #[cfg_attr(feature = "schema", schemars(with = "schema::Cursor"))]
    pub cursor: String,
    /// The server's time.
    #[cfg_attr(feature = "schema", schemars(with = "schema::Time"))]
    pub server_time: String,
    /// The history that the positions are of: another one than before means that the tables were put back to
    /// an earlier moment. Absent in a response of an older release.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub history: Option<String>,
}

/// A write that lost, with both sides.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Conflict {
    /// The record's position in the request.
    pub index: usize,
    /// The record's table.
    pub table_name: String,
    /// The record's id.
    pub record_id: String,
    /// Why it lost, or a part of it: `newer_on_server`, `already_exists`, `deleted_on_server`, `server_wins`,
    /// `manual`, `fields_conflict`, `outcome_unknown`, `unknown_version`.
    #[cfg_attr(feature = "schema", schemars(with = "schema::Reasons"))]
    pub reason: String,
    /// The data that was sent.
    pub local_data: Option<JsonText>,
    /// The server's data; for a tombstone its last content.
    pub server_data: Option<JsonText>,
    /// The time that was sent; `null` if there was none.
    pub local_updated_at: Option<String>,
    /// When the server's copy was written; `null` if it has none.
    #[cfg_attr(feature = "schema", schemars(with = "Option<schema::Time>"))]
    pub server_updated_at: Option<String>,
    /// The version of the server's copy; 0 if it has none.
    pub server_version: u64,
    /// The stamp of the server's copy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server_stamp: Option<Stamp>,
    /// The device that wrote the server's copy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server_device_id: Option<String>,
    /// Whether the server's copy is a tombstone.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub server_is_deleted: bool,
    /// Whether the data of both sides was left out because the response would be too large: pull.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub data_omitted: bool,
}

/// A rejected record, with the server's copy if there is one that the caller may read.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RejectedRecord {
    /// The record's position in the request.
    pub index: usize,
    /// The record's table, if it could be read.
    pub table_name: Option<String>,
    /// The record's id, if it could be read.
    pub record_id: Option<String>,
    /// A stable code.
    #[cfg_attr(feature = "schema", schemars(with = "schema::RecordCodes"))]
    pub code: String,
    /// What to do about it.
    pub message: String,
    /// The server's data; for a tombstone its last content.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server_data: Option<JsonText>,
    /// When the server's copy was written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<schema::Time>"))]
    pub server_updated_at: Option<String>,
    /// The version of the server's copy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server_version: Option<u64>,
    /// The stamp of the server's copy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server_stamp: Option<Stamp>,
    /// The device that wrote the server's copy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server_device_id: Option<String>,
    /// Whether the server's copy is a tombstone.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub server_is_deleted: bool,
    /// Whether the data of the server's copy was left out because the response would be too large: pull.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub data_omitted: bool,
}

/// The `details` of `dead_letters_full`: the records that the branch cannot keep.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DeadLettersFullDetails {
    /// As they would be in the response to the push, without the server's copies.
    pub errors: Vec<RejectedRecord>,
}

/// An applied record.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AppliedRecord {
    /// The record's position in the request.
    pub index: usize,
    /// The record's table.
    pub table_name: String,
    /// The record's id.
    pub record_id: String,
    /// The record's new version.
    pub version: u64,
    /// The time of the commit.
    #[cfg_attr(feature = "schema", schemars(with = "schema::Time"))]
    pub server_updated_at: String,
    /// The stamp of the change.
    pub stamp: Stamp,
    /// The stored data, where it differs from what was sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<JsonText>,
    /// Whether the stored data differs from what was sent and was left out, because the response would be too
    /// large or the record has changed since: keep the old cursor and pull.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub data_omitted: bool,
    /// What to know about the write: `clock_clamped`, `below_floor`, `clamped_to_floor`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schemars(with = "Vec<schema::Flags>"))]
    pub flags: Vec<String>,
}

/// What a function that writes returns to the edge: the response for the caller, and the commit for the room.
#[derive(Debug, Serialize, Deserialize)]
pub struct WriteResult {
    /// The response as text, passed on unparsed.
    pub answer: JsonText,
    /// The commit, one per log item; empty if nothing was written or it is too large.
    pub publications: Vec<Publication>,
}
