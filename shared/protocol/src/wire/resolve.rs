//! `POST /api/sync/resolve-conflict`.

use serde::{Deserialize, Serialize};

#[cfg(feature = "schema")]
use crate::ids::{BatchId, BranchId, DeviceId};
use crate::json::JsonText;
use crate::stamp::Stamp;
#[cfg(feature = "schema")]
use crate::wire::schema;

/// Which side of a conflict stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Resolution {
    /// The server's copy.
    AcceptServer,
    /// The client's.
    AcceptClient,
}

/// The body of a request, as a client writes it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ResolveBody {
    /// The device on which somebody decided.
    #[cfg_attr(feature = "schema", schemars(with = "DeviceId"))]
    pub device_id: String,
    /// Makes a retry exactly-once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<BatchId>"))]
    pub batch_id: Option<String>,
    /// The branch; only a super admin names one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<BranchId>"))]
    pub branch_id: Option<String>,
    /// The record's table.
    pub table_name: String,
    /// The record's id.
    pub record_id: String,
    /// Which side stays.
    pub resolution: Resolution,
    /// What is to be stored; needed to accept the client's side.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_data: Option<JsonText>,
    /// The version that was looked at; any, if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected_version: Option<u64>,
}

/// The answer: the record as it is now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ResolveResponse {
    /// Always true; anything else is an error answer.
    pub success: bool,
    /// The record's table.
    pub table_name: String,
    /// The record's id.
    pub record_id: String,
    /// The record's version.
    pub version: u64,
    /// What is stored; of a deleted record, the last there was.
    pub data: JsonText,
    /// Whether it is deleted; absent if it is not.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_deleted: bool,
    /// The time of the commit that wrote it.
    #[cfg_attr(feature = "schema", schemars(with = "schema::Time"))]
    pub server_updated_at: String,
    /// The room's stamp after this commit; `prev`, if nothing was written.
    pub stamp: Stamp,
    /// The room's stamp before this commit.
    pub prev: Stamp,
    /// A pull from here sees what comes after this.
    #[cfg_attr(feature = "schema", schemars(with = "schema::Cursor"))]
    pub cursor: String,
}

/// The `details` of `version_changed`: the record as it is now.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CurrentCopy {
    /// The record's table.
    pub table_name: String,
    /// The record's id.
    pub record_id: String,
    /// The record's version.
    pub version: u64,
    /// What is stored; of a deleted record, the last there was.
    pub data: JsonText,
    /// Whether it is deleted.
    pub is_deleted: bool,
    /// The time of the commit that wrote it.
    #[cfg_attr(feature = "schema", schemars(with = "schema::Time"))]
    pub server_updated_at: String,
}
