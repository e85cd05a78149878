//! `GET /api/sync/pull-changes`.

use serde::{Deserialize, Serialize};

use crate::json::JsonText;
use crate::record::Operation;
use crate::stamp::Stamp;
#[cfg(feature = "schema")]
use crate::wire::schema;

/// `mode` of a page out of the log.
pub const CHANGES: &str = "changes";
/// `mode` of a page out of the records.
pub const SNAPSHOT: &str = "snapshot";

/// The answer to a pull.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PullResponse {
    /// In commit order; in a snapshot, in no order that means anything.
    pub changes: Vec<ChangeBody>,
    /// Whether there is more at `next_cursor` already.
    pub has_more: bool,
    /// Where to go on.
    #[cfg_attr(feature = "schema", schemars(with = "schema::Cursor"))]
    pub next_cursor: String,
    /// The position that `next_cursor` stands for: while a snapshot is walked, the one it was noted at; for all
    /// branches, that of the branch the page is of.
    pub stamp: Stamp,
    /// `changes`, out of the log, or `snapshot`, out of the records.
    #[cfg_attr(feature = "schema", schemars(with = "schema::Modes"))]
    pub mode: String,
    /// In a snapshot, which one: another name means that a new one has begun.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub snapshot_id: Option<String>,
    /// In a pull of all branches, the branch that the page is of, which an empty page could not tell otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub branch_id: Option<String>,
}

/// One change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ChangeBody {
    /// The record's table.
    pub table_name: String,
    /// The record's id.
    pub record_id: String,
    /// The record after the change; in a delete, the last there was. In a snapshot, the record as it is.
    pub data: JsonText,
    /// The record's version after the change.
    pub version: u64,
    /// The change's place in the room.
    pub stamp: Stamp,
    /// The time of the commit.
    #[cfg_attr(feature = "schema", schemars(with = "schema::Time"))]
    pub server_updated_at: String,
    /// What happened; in a snapshot `create`, or `delete` for a tombstone.
    pub operation: Operation,
    /// The same as `operation` being `delete`.
    pub is_deleted: bool,
    /// The device that wrote it.
    pub device_id: String,
    /// The branch whose room it is.
    pub branch_id: String,
}
