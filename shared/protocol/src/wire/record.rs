//! `GET /api/data/{table}/{id}` and `POST /api/data/batch-get`.

use serde::{Deserialize, Serialize};

use crate::json::JsonText;
use crate::record::RecordKey;
use crate::stamp::Stamp;
#[cfg(feature = "schema")]
use crate::wire::schema;

/// One record.
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
    /// The records to read; at most 40.
    pub records: Vec<RecordName>,
}

/// The response to `POST /api/data/batch-get`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct BatchGetResponse {
    /// The records found, in the order of the request.
    pub records: Vec<RecordResponse>,
    /// The records not found.
    pub missing: Vec<RecordName>,
}

impl From<RecordKey> for RecordName {
    fn from(key: RecordKey) -> RecordName {
        RecordName { table_name: key.table, record_id: key.id }
    }
}
