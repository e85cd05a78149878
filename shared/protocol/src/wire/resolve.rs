//! `POST /api/sync/resolve-conflict`.

use serde::{Deserialize, Serialize};

use crate::ids::{BatchId, BranchId, DeviceId};
use crate::json::{JsonText, integer};
use crate::stamp::Stamp;
use crate::wire::record::RecordResponse;
#[cfg(feature = "schema")]
use crate::wire::schema;

/// Which side of a conflict wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Resolution {
    /// The server's copy.
    AcceptServer,
    /// The client's data.
    AcceptClient,
}

/// The body of a request.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(expecting = "an object with `device_id`, `table_name`, `record_id` and `resolution`")]
pub struct ResolveRequest {
    /// The device on which a person resolved the conflict.
    pub device_id: DeviceId,
    /// Makes retries exactly-once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch_id: Option<BatchId>,
    /// The branch: the caller's own, or for a super admin any of its client.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub branch_id: Option<BranchId>,
    /// The record's table.
    pub table_name: String,
    /// The record's id.
    pub record_id: String,
    /// Which side wins.
    pub resolution: Resolution,
    /// The data to store; required to accept the client's side.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_data: Option<JsonText>,
    /// The version the person saw; any version if absent.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "integer::optional")]
    pub expected_version: Option<u64>,
}

/// The response: the current record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ResolveResponse {
    /// Always true.
    pub success: bool,
    /// The record's table.
    pub table_name: String,
    /// The record's id.
    pub record_id: String,
    /// The record's version.
    pub version: u64,
    /// The stored data; of a deleted record its last content.
    pub data: JsonText,
    /// Whether the record is deleted; absent if not.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_deleted: bool,
    /// The time of the commit that wrote it.
    #[cfg_attr(feature = "schema", schemars(with = "schema::Time"))]
    pub server_updated_at: String,
    /// The record in its one shape; `stamp` in it is that of the record.
    pub record: RecordResponse,
    /// The room's stamp after this commit; `prev`, if nothing was written.
    pub stamp: Stamp,
    /// The room's stamp before this commit.
    pub prev: Stamp,
    /// A pull from here returns what follows this write.
    #[cfg_attr(feature = "schema", schemars(with = "schema::Cursor"))]
    pub cursor: String,
    /// The history that the positions are of: another one than before means that the tables were put back to
    /// an earlier moment. Absent in a response of an older release.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub history: Option<String>,
}

/// The `details` of `version_changed`: the current record.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct VersionChangedDetails {
    /// The record's table.
    pub table_name: String,
    /// The record's id.
    pub record_id: String,
    /// The record's version.
    pub version: u64,
    /// The stored data; of a deleted record its last content.
    pub data: JsonText,
    /// Whether the record is deleted.
    pub is_deleted: bool,
    /// The time of the commit that wrote it.
    #[cfg_attr(feature = "schema", schemars(with = "schema::Time"))]
    pub server_updated_at: String,
    /// The stamp of its last change.
    pub stamp: Stamp,
    /// The device that wrote it last.
    pub device_id: String,
}
