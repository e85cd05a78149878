//! The server's copy of a record.

use crate::version_authors::VersionAuthors;
use protocol::ids::DeviceId;
use protocol::json::JsonText;
use protocol::record::RecordKey;
use protocol::stamp::Stamp;
use protocol::timestamp::Timestamp;
use protocol::wire::record::{MissingRecord, RecordResponse};
use protocol::wire::resolve::VersionChangedDetails;

use crate::policy::field_merge::FieldVersions;

/// The server's copy of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The data as stored; `null` only for a delete of a record that the server never had.
    pub data: JsonText,
    /// Counts the writes; 1 for the create.
    pub version: u64,
    /// The stamp of the last write.
    pub stamp: Stamp,
    /// The time of the last write by the till's clock, clamped where that clock is wrong; never decreases.
    pub modified_at: Timestamp,
    /// The device that wrote it last.
    pub device: DeviceId,
    /// Whether this is a tombstone.
    pub deleted: bool,
    /// The version of each member's last change; only in field-merge tables.
    pub fields: FieldVersions,
    /// Which batches wrote its last versions.
    pub authors: VersionAuthors,
}

impl Record {
    /// The record as clients see it.
    pub fn response(&self, key: &RecordKey) -> RecordResponse {
        RecordResponse {
            table_name: key.table.clone(),
            record_id: key.id.clone(),
            data: self.data.clone(),
            version: self.version,
            stamp: self.stamp,
            server_updated_at: self.stamp.time().to_string(),
            is_deleted: self.deleted,
            device_id: self.device.to_string(),
        }
    }

    /// The entry of this tombstone among the missing records of a batch read.
    pub fn missing_response(&self, key: &RecordKey) -> MissingRecord {
        MissingRecord {
            is_deleted: self.deleted,
            version: Some(self.version),
            stamp: Some(self.stamp),
            server_updated_at: Some(self.stamp.time().to_string()),
            ..MissingRecord::from(key.clone())
        }
    }

    /// The `details` of `version_changed`.
    pub fn version_changed_details(&self, key: &RecordKey) -> VersionChangedDetails {
        VersionChangedDetails {
            table_name: key.table.clone(),
            record_id: key.id.clone(),
            version: self.version,
            data: self.data.clone(),
            is_deleted: self.deleted,
            server_updated_at: self.stamp.time().to_string(),
            stamp: self.stamp,
            device_id: self.device.to_string(),
        }
    }
}
