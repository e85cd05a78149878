//! `GET /api/sync/pull-changes`.

use serde::{Deserialize, Serialize};

use crate::json::JsonText;
use crate::record::Operation;
use crate::stamp::Stamp;
use crate::wire::publication::{Publication, PublishedChange};
use crate::wire::record::RecordName;
#[cfg(feature = "schema")]
use crate::wire::schema;

/// `mode` of a page from the log.
pub const CHANGES: &str = "changes";
/// `mode` of a page from the records.
pub const SNAPSHOT: &str = "snapshot";

/// The response to a pull.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PullResponse {
    /// In commit order; in a snapshot the order has no meaning.
    pub changes: Vec<PulledChange>,
    /// In a snapshot, records that the server has and cannot read: a till keeps its own copies.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub damaged: Vec<RecordName>,
    /// Whether the next page has changes already.
    pub has_more: bool,
    /// Where the next page continues.
    #[cfg_attr(feature = "schema", schemars(with = "schema::Cursor"))]
    pub next_cursor: String,
    /// The position of `next_cursor`. In a snapshot it is the noted position; in a pull of all branches, that
    /// of the branch of this page.
    pub stamp: Stamp,
    /// `changes` from the log, or `snapshot` from the records.
    #[cfg_attr(feature = "schema", schemars(with = "schema::Modes"))]
    pub mode: String,
    /// The id of the snapshot; another id means that a new snapshot has begun.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub snapshot_id: Option<String>,
    /// The history that the positions are of: another one than before means that the tables were put back to
    /// an earlier moment. Absent in a response of an older release, of the edge, and without a
    /// `branch_id` in a pull of all branches.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub history: Option<String>,
    /// In a pull of all branches, the branch of this page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub branch_id: Option<String>,
}

/// One change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "Change"))]
pub struct PulledChange {
    /// The record's table.
    pub table_name: String,
    /// The record's id.
    pub record_id: String,
    /// The record after the change; after a delete its last content. In a snapshot, the current record.
    pub data: JsonText,
    /// The record's version after the change.
    pub version: u64,
    /// The stamp of the change.
    pub stamp: Stamp,
    /// The time of the commit.
    #[cfg_attr(feature = "schema", schemars(with = "schema::Time"))]
    pub server_updated_at: String,
    /// The operation; in a snapshot `create`, or `delete` for a tombstone.
    pub operation: Operation,
    /// Whether `operation` is `delete`.
    pub is_deleted: bool,
    /// The device that wrote it.
    pub device_id: String,
    /// The branch.
    pub branch_id: String,
}

impl PulledChange {
    /// The change of `publication` that has `stamp`.
    pub fn published(publication: &Publication, change: &PublishedChange, stamp: Stamp) -> PulledChange {
        PulledChange {
            table_name: change.table_name.clone(),
            record_id: change.record_id.clone(),
            data: change.data.clone(),
            version: change.version,
            stamp,
            server_updated_at: stamp.time().to_string(),
            operation: change.operation,
            is_deleted: change.operation == Operation::Delete,
            device_id: publication.device_id.to_string(),
            branch_id: publication.branch_id.to_string(),
        }
    }
}
