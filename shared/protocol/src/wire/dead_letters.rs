//! `/api/sync/dead-letters`.

use serde::{Deserialize, Serialize};

use crate::json::JsonText;
#[cfg(feature = "schema")]
use crate::limits::PUSH_RECORDS_MAX;
#[cfg(feature = "schema")]
use crate::wire::schema;

/// The response to `GET /api/sync/dead-letters`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DeadLettersResponse {
    /// The open dead letters, oldest first.
    pub dead_letters: Vec<DeadLetterEntry>,
    /// Whether the next page has dead letters already.
    pub has_more: bool,
    /// Where the next page continues.
    #[cfg_attr(feature = "schema", schemars(with = "schema::Cursor"))]
    pub next_cursor: String,
}

/// A rejected record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "DeadLetter"))]
pub struct DeadLetterEntry {
    /// The id for `…/{id}/replay` and `…/{id}/discard`.
    pub id: String,
    /// The record's position in its batch.
    pub index: usize,
    /// The device that sent it.
    pub device_id: String,
    /// The id of its batch, if it had one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch_id: Option<String>,
    /// The group of the record, if it had one: its dead letters are replayed together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// When it was rejected.
    #[cfg_attr(feature = "schema", schemars(with = "schema::Time"))]
    pub received_at: String,
    /// The record's table, if it could be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table_name: Option<String>,
    /// The record's id, if it could be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record_id: Option<String>,
    /// The rejection code, as in the `errors` of a push.
    #[cfg_attr(feature = "schema", schemars(with = "schema::RecordCodes"))]
    pub code: String,
    /// What there is to do about it.
    pub message: String,
    /// The record as it was sent; `null` if only its beginning is stored, or if the caller may not read its
    /// table.
    #[cfg_attr(feature = "schema", schemars(with = "schema::Any"))]
    pub record: Option<JsonText>,
    /// The beginning of a record that is not stored whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payload: Option<String>,
    /// Bytes of the record as it was sent.
    pub bytes: usize,
    /// SHA-256 of the record as it was sent, in hexadecimal.
    pub sha256: String,
    /// Whether only the beginning is stored.
    pub is_cut: bool,
}

/// The body of `POST /api/sync/dead-letters/{id}/replay`; it may be empty.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(expecting = "an object")]
pub struct ReplayRequest {
    /// Stored instead of the `data` of the record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<JsonText>,
    /// The same for other records of its group.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schemars(length(max = PUSH_RECORDS_MAX)))]
    pub corrections: Vec<Correction>,
}

/// The data of a dead letter that is replayed with its group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(expecting = "an object with `id` and `data`")]
pub struct Correction {
    /// The id of the dead letter.
    pub id: String,
    /// Stored instead of the `data` of its record.
    pub data: JsonText,
}
