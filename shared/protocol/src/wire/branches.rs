//! `GET /api/branches`.

use serde::{Deserialize, Serialize};

use crate::stamp::Stamp;
#[cfg(feature = "schema")]
use crate::wire::schema;

/// A page of the branches that the caller may see.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct BranchesResponse {
    /// By id.
    pub branches: Vec<BranchSummary>,
    /// Whether there are more.
    pub has_more: bool,
    /// Where the next page continues; absent on the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<schema::Cursor>"))]
    pub next_cursor: Option<String>,
}

/// A branch and its figures.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct BranchSummary {
    /// The branch.
    pub branch_id: String,
    /// The stamp of its last change; 0 before the first.
    pub stamp: Stamp,
    /// The time of its last commit; `null` before the first.
    #[cfg_attr(feature = "schema", schemars(with = "Option<schema::Time>"))]
    pub last_commit_at: Option<String>,
    /// Changes ever.
    pub change_count: u64,
    /// Records that are not deleted, of the tables that the caller may read.
    pub record_count: u64,
    /// Pushed records that were answered with a conflict, ever.
    pub conflict_count: u64,
    /// Open dead letters; only for roles that may handle them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dead_letter_count: Option<u64>,
    /// Whether the server cannot read the figures of the branch: all are 0.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_damaged: bool,
}
