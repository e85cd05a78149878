//! What a push reads before it decides.

use std::collections::BTreeMap;

use crate::record::{Record, RecordKey};
use crate::stamp::Stamp;
use crate::sync::marker::Marker;

/// A room's HEAD: the place of its last commit, and what is counted with it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Head {
    /// The stamp of the last change.
    pub stamp: Stamp,
    /// Changes ever committed.
    pub changes: u64,
    /// Log items ever written; with `changes`, how many changes an item holds on average.
    pub log_items: u64,
    /// Live records per table.
    pub live: BTreeMap<String, u64>,
}

/// What was read. Not a snapshot in the database's sense: the commit's conditions make it one.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// The room's HEAD; none if nothing was ever committed.
    pub head: Option<Head>,
    /// Those of the batch's records that the server has, tombstones included.
    pub records: BTreeMap<RecordKey, Record>,
    /// The batch's marker, if it was committed before.
    pub marker: Option<Marker>,
}

impl Snapshot {
    /// The room's last stamp, 0 if there is none.
    pub fn stamp(&self) -> Stamp {
        self.head.as_ref().map_or(Stamp::ZERO, |head| head.stamp)
    }
}
