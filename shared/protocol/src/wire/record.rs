//! `GET /api/data/{table}/{id}` and `POST /api/data/batch-get`.

use serde::{Deserialize, Serialize};

use crate::json::JsonText;
use crate::record::RecordKey;
use crate::stamp::Stamp;
#[cfg(feature = "schema")]
use crate::wire::schema;

/// One record, in the shape that it has in every message: see "Records" in PROTOCOL.md.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RecordResponse {
    /// The table.
    pub table_name: String,
    /// The id.
    pub record_id: String,
    /// The data.
    pub data: JsonText,
    /// The version.
    pub version: u64,
    /// The stamp of its last change.
    pub stamp: Stamp,
    /// The time of its last change.
    #[cfg_attr(feature = "schema", schemars(with = "schema::Time"))]
    pub server_updated_at: String,
    /// Whether it is deleted; `data` is then its last content.
    #[serde(default)]
    pub is_deleted: bool,
    /// The device that wrote it last. Absent in what an older release has cached.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub device_id: String,
}

/// The name of a record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(expecting = "an object with `table_name` and `record_id`")]
pub struct RecordName {
    /// The table.
    pub table_name: String,
    /// The id.
    pub record_id: String,
}

/// The body of `POST /api/data/batch-get`.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(expecting = "an object with `records`")]
pub struct BatchGetRequest {
    /// The records to read; at most 50.
    pub records: Vec<RecordName>,
}

/// The response to `POST /api/data/batch-get`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct BatchGetResponse {
    /// The records found, in the order of the request.
    pub records: Vec<RecordResponse>,
    /// The records not found: deleted ones, and those that the server does not know.
    pub missing: Vec<MissingRecord>,
    /// Records that did not fit the response: ask for them again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<RecordName>,
}

/// A record that does not exist.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct MissingRecord {
    /// The table.
    pub table_name: String,
    /// The id.
    pub record_id: String,
    /// Whether it was deleted; otherwise the server does not know of such a record.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_deleted: bool,
    /// The version of its tombstone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<u64>,
    /// The stamp of its deletion.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stamp: Option<Stamp>,
    /// The time of its deletion.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<schema::Time>"))]
    pub server_updated_at: Option<String>,
}

impl From<RecordKey> for RecordName {
    fn from(key: RecordKey) -> RecordName {
        RecordName { table_name: key.table, record_id: key.id }
    }
}

impl From<RecordKey> for MissingRecord {
    /// A record that the server does not know.
    fn from(key: RecordKey) -> MissingRecord {
        let (table_name, record_id, is_deleted) = (key.table, key.id, false);
        MissingRecord {
            table_name,
            record_id,
            is_deleted,
            version: None,
            stamp: None,
            server_updated_at: None,
        }
    }
}
