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
    /// Its table.
    pub table_name: String,
    /// Its id.
    pub record_id: String,
    /// The record.
    pub data: JsonText,
    /// Its version.
    pub version: u64,
    /// The stamp of its last change.
    pub stamp: Stamp,
    /// When that was, by the server's clock.
    #[cfg_attr(feature = "schema", schemars(with = "schema::Time"))]
    pub server_updated_at: String,
}

/// The name of a record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(expecting = "an object with `table_name` and `record_id`")]
pub struct RecordName {
    /// Its table.
    pub table_name: String,
    /// Its id.
    pub record_id: String,
}

/// The body of `POST /api/data/batch-get`.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(expecting = "an object with `records`")]
pub struct BatchGet {
    /// Which, 40 at most.
    pub records: Vec<RecordName>,
}

/// Several records.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct BatchGetResponse {
    /// Those that there are, in the order in which they were asked for.
    pub records: Vec<RecordResponse>,
    /// The others.
    pub missing: Vec<RecordName>,
}

impl From<RecordKey> for RecordName {
    fn from(key: RecordKey) -> RecordName {
        RecordName { table_name: key.table, record_id: key.id }
    }
}
