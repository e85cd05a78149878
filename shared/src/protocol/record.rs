//! `GET /api/data/{table}/{id}`.

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
