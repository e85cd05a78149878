//! The server's copy of a record.

use protocol::ids::DeviceId;
use protocol::json::JsonText;
use protocol::record::RecordKey;
use protocol::stamp::Stamp;
use protocol::timestamp::Timestamp;
use protocol::wire::record::RecordResponse;
use protocol::wire::resolve::CurrentCopy;

use crate::policy::field_merge::FieldVersions;

/// The server's copy of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The record as the till sent it; `null` only for a delete of something never seen.
    pub data: JsonText,
    /// How often it was written, 1 for the create.
    pub version: u64,
    /// The commit that wrote it.
    pub stamp: Stamp,
    /// When it was written at the till, as far as we believe it; never goes back.
    pub modified_at: Timestamp,
    /// The device that wrote it.
    pub device: DeviceId,
    /// Whether this is a tombstone.
    pub deleted: bool,
    /// When each member last changed; kept in field-merge tables alone.
    pub fields: FieldVersions,
}

impl Record {
    /// The record as `GET /api/data/{table}/{id}` returns it.
    pub fn response(&self, key: &RecordKey) -> RecordResponse {
        RecordResponse {
            table_name: key.table.clone(),
            record_id: key.id.clone(),
            data: self.data.clone(),
            version: self.version,
            stamp: self.stamp,
            server_updated_at: self.stamp.time().to_string(),
        }
    }

    /// The record as the `details` of `version_changed`.
    pub fn current_copy(&self, key: &RecordKey) -> CurrentCopy {
        CurrentCopy {
            table_name: key.table.clone(),
            record_id: key.id.clone(),
            version: self.version,
            data: self.data.clone(),
            is_deleted: self.deleted,
            server_updated_at: self.stamp.time().to_string(),
        }
    }
}
