//! `GET /api/sync/pull-changes`.

use serde::{Deserialize, Serialize};

use crate::json::JsonText;
#[cfg(feature = "schema")]
use crate::protocol::schema;
use crate::record::Operation;
use crate::stamp::Stamp;

/// The answer to a pull.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PullAnswer {
    /// In commit order.
    pub changes: Vec<ChangeBody>,
    /// Whether there is more at `next_cursor` already.
    pub has_more: bool,
    /// Where to go on.
    #[cfg_attr(feature = "schema", schemars(with = "schema::Cursor"))]
    pub next_cursor: String,
    /// The position that `next_cursor` stands for.
    pub stamp: Stamp,
    /// Always `changes` until snapshots exist.
    #[cfg_attr(feature = "schema", schemars(with = "schema::Modes"))]
    pub mode: String,
}

/// One change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ChangeBody {
    /// The record's table.
    pub table_name: String,
    /// The record's id.
    pub record_id: String,
    /// The record after the change; in a delete, the last there was.
    pub data: JsonText,
    /// The record's version after the change.
    pub version: u64,
    /// The change's place in the room.
    pub stamp: Stamp,
    /// The time of the commit.
    #[cfg_attr(feature = "schema", schemars(with = "schema::Time"))]
    pub server_updated_at: String,
    /// What happened.
    pub operation: Operation,
    /// The same as `operation` being `delete`.
    pub is_deleted: bool,
    /// The device that wrote it.
    pub device_id: String,
    /// The branch whose room it is.
    pub branch_id: String,
}
