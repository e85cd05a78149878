//! `POST /api/sync/batch-push`.

use serde::{Deserialize, Serialize};

#[cfg(feature = "schema")]
use crate::ids::{BatchId, BranchId, DeviceId};
use crate::json::JsonText;
#[cfg(feature = "schema")]
use crate::limits::{FIELDS_MAX, PUSH_RECORDS_MAX, RECORD_ID_BYTES_MAX};
use crate::stamp::Stamp;
use crate::wire::publication::Publication;
#[cfg(feature = "schema")]
use crate::wire::schema;

/// The body of a push, as a client writes it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PushBody {
    /// The device that pushes.
    #[cfg_attr(feature = "schema", schemars(with = "DeviceId"))]
    pub device_id: String,
    /// Makes a retry exactly-once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<BatchId>"))]
    pub batch_id: Option<String>,
    /// All or nothing.
    #[serde(default)]
    pub atomic: bool,
    /// The till's clock at sending.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(extend("format" = "date-time")))]
    pub device_time: Option<String>,
    /// The branch to write to; only a super admin names one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<BranchId>"))]
    pub branch_id: Option<String>,
    /// At most 50.
    #[cfg_attr(feature = "schema", schemars(length(max = PUSH_RECORDS_MAX)))]
    pub records: Vec<RecordBody>,
}

/// One record of a push.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(expecting = "a record")]
pub struct RecordBody {
    /// The record's table.
    pub table_name: String,
    /// The record's id.
    #[cfg_attr(feature = "schema", schemars(length(min = 1, max = RECORD_ID_BYTES_MAX)))]
    pub record_id: String,
    /// The record; `null` is allowed in a delete.
    pub data: Option<JsonText>,
    /// RFC 3339: when it was written at the till.
    #[cfg_attr(feature = "schema", schemars(extend("format" = "date-time")))]
    pub local_updated_at: String,
    /// Whether this deletes the record.
    #[serde(default)]
    pub is_deleted: bool,
    /// The server's version the till started from; 0 = "I create this".
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base_version: Option<u64>,
    /// The members of `data` that changed; all, if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(length(max = FIELDS_MAX)))]
    pub fields: Option<Vec<String>>,
}

/// The answer to a push.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PushResponse {
    /// The batch was processed; with `atomic`, everything was applied.
    pub success: bool,
    /// How many records were applied, repeated ones counted each.
    pub synced_count: usize,
    /// Where the server's copy stayed.
    pub conflicts: Vec<ConflictBody>,
    /// What was rejected.
    pub errors: Vec<RecordError>,
    /// What was applied.
    pub applied: Vec<AppliedBody>,
    /// The room's stamp before this commit.
    pub prev: Stamp,
    /// The last stamp of this commit; `prev`, if nothing was written.
    pub stamp: Stamp,
    /// A pull from here sees what comes after this push.
    #[cfg_attr(feature = "schema", schemars(with = "schema::Cursor"))]
    pub cursor: String,
    /// The server's time.
    #[cfg_attr(feature = "schema", schemars(with = "schema::Time"))]
    pub server_time: String,
}

/// A write that lost, with both sides.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ConflictBody {
    /// The record's place in the request.
    pub index: usize,
    /// The record's table.
    pub table_name: String,
    /// The record's id.
    pub record_id: String,
    /// Why it lost, or a part of it: `newer_on_server`, `already_exists`, `deleted_on_server`, `server_wins`,
    /// `manual`, `fields_conflict`.
    #[cfg_attr(feature = "schema", schemars(with = "schema::Reasons"))]
    pub reason: String,
    /// What was sent.
    pub local_data: Option<JsonText>,
    /// What the server holds; for a tombstone, the last there was.
    pub server_data: Option<JsonText>,
    /// The time that was sent.
    pub local_updated_at: String,
    /// When the server's copy was written; absent if it has none.
    #[cfg_attr(feature = "schema", schemars(with = "Option<schema::Time>"))]
    pub server_updated_at: Option<String>,
    /// The version of the server's copy; 0 if it has none.
    pub server_version: u64,
    /// Whether the server's copy is a tombstone.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub server_is_deleted: bool,
    /// Whether both sides' data were left out because the answer would have been too large: pull.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub data_omitted: bool,
}

/// A record that was rejected.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RecordError {
    /// The record's place in the request.
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
}

/// A record that was applied.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AppliedBody {
    /// The record's place in the request.
    pub index: usize,
    /// The record's table.
    pub table_name: String,
    /// The record's id.
    pub record_id: String,
    /// The record's version after this write.
    pub version: u64,
    /// The time of the commit that holds it.
    #[cfg_attr(feature = "schema", schemars(with = "schema::Time"))]
    pub server_updated_at: String,
    /// The change's place in the room.
    pub stamp: Stamp,
    /// What is stored, where it differs from what was sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<JsonText>,
    /// Whether what is stored differs from what was sent and is not shown, because the answer would have been too large
    /// or the record has moved on since: do not take the cursor, and pull.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub data_omitted: bool,
    /// What is to be known of it: `clock_clamped`, `below_floor`, `clamped_to_floor`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schemars(with = "Vec<schema::Flags>"))]
    pub flags: Vec<String>,
}

/// What `batch-push` hands to the edge: the client's answer, and the commit for the room.
#[derive(Debug, Serialize, Deserialize)]
pub struct Pushed {
    /// [`PushResponse`] as text, passed on unread.
    pub answer: JsonText,
    /// The commit, one entry per log item; empty if nothing was written or it is too large.
    pub publications: Vec<Publication>,
}
