//! `GET /api/data/{table}/{id}` and `POST /api/data/batch-get`.

use serde::{Deserialize, Serialize};

use crate::json::JsonText;
#[cfg(feature = "schema")]
use crate::protocol::schema;
use crate::record::{Record, RecordKey};
use crate::stamp::Stamp;

/// One record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RecordAnswer {
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

impl RecordAnswer {
    /// The record `key` as it is stored.
    pub fn of(key: &RecordKey, record: &Record) -> RecordAnswer {
        RecordAnswer {
            table_name: key.table.clone(),
            record_id: key.id.clone(),
            data: record.data.clone(),
            version: record.version,
            stamp: record.stamp,
            server_updated_at: record.stamp.time().to_string(),
        }
    }
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
pub struct BatchGetAnswer {
    /// Those that there are, in the order in which they were asked for.
    pub records: Vec<RecordAnswer>,
    /// The others.
    pub missing: Vec<RecordName>,
}

impl From<RecordKey> for RecordName {
    fn from(key: RecordKey) -> RecordName {
        RecordName { table_name: key.table, record_id: key.id }
    }
}
