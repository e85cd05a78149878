//! A till's records.

use std::collections::{BTreeMap, BTreeSet};

use protocol::json::JsonText;
use protocol::record::Operation;
use protocol::stamp::Stamp;
use protocol::wire::pull::PulledChange;
use protocol::wire::socket::SyncFrame;

/// A record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Its data: as the server sent it, or in this till's own spelling if the server has the same.
    pub data: JsonText,
    /// Its version.
    pub version: u64,
    /// The stamp of its last change.
    pub stamp: Stamp,
    /// Whether it is a tombstone.
    pub deleted: bool,
}

impl From<&PulledChange> for Row {
    fn from(change: &PulledChange) -> Row {
        let data = change.data.clone();
        Row { data, version: change.version, stamp: change.stamp, deleted: change.is_deleted }
    }
}

impl From<&SyncFrame> for Row {
    fn from(frame: &SyncFrame) -> Row {
        let deleted = frame.operation == Operation::Delete;
        Row { data: frame.data.clone(), version: frame.version, stamp: frame.stamp, deleted }
    }
}

/// All records by table and id.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rows {
    rows: BTreeMap<(String, String), Row>,
    /// Those that the server cannot read. What it had there is not known.
    unreadable: BTreeSet<(String, String)>,
}

impl Rows {
    /// Sets a row unless the known one has the same or a later stamp. Returns whether the row changed.
    pub fn set(&mut self, table: &str, id: &str, row: Row) -> bool {
        let newer = self.get(table, id).is_none_or(|known| known.stamp < row.stamp);
        newer && self.replace(table, id, row)
    }

    /// Sets a row in any case. Returns whether the row changed.
    pub fn replace(&mut self, table: &str, id: &str, row: Row) -> bool {
        let key = (table.to_owned(), id.to_owned());
        self.unreadable.remove(&key);
        let before = self.rows.insert(key, row);
        before.as_ref() != self.get(table, id)
    }

    /// Notes that the server has the record and cannot read it.
    pub fn set_unreadable(&mut self, table: &str, id: &str) {
        self.unreadable.insert((table.to_owned(), id.to_owned()));
    }

    /// Whether the server has the record as the commit at `stamp` wrote it.
    pub fn show(&self, table: &str, id: &str, stamp: Stamp) -> bool {
        let key = (table.to_owned(), id.to_owned());
        !self.unreadable.contains(&key) && self.rows.get(&key).is_some_and(|row| row.stamp == stamp)
    }

    /// Removes every record for whose key `keep` is false.
    pub fn retain(&mut self, keep: impl Fn(&(String, String)) -> bool) {
        self.rows.retain(|key, _| keep(key));
        self.unreadable.retain(keep);
    }

    /// Every record, in key order.
    pub fn iter(&self) -> impl Iterator<Item = (&(String, String), &Row)> {
        self.rows.iter()
    }

    /// The records without tombstones. Two synced tills agree on these, however long one of them was offline.
    pub fn live(&self) -> Rows {
        let live = self.rows.iter().filter(|(_, row)| !row.deleted);
        let rows = live.map(|(key, row)| (key.clone(), row.clone())).collect();
        Rows { rows, unreadable: BTreeSet::new() }
    }

    /// A record.
    pub fn get(&self, table: &str, id: &str) -> Option<&Row> {
        self.rows.get(&(table.to_owned(), id.to_owned()))
    }

    /// A sentence for each of the first `most` records, in key order, that differ from `other`.
    pub fn differences(&self, other: &Rows, most: usize) -> Vec<String> {
        let keys: BTreeSet<_> = self.rows.keys().chain(other.rows.keys()).collect();
        let differing = keys.into_iter().filter(|key| self.rows.get(key) != other.rows.get(key));
        let sentence = |key: &(String, String)| {
            format!("{} {}: {:?} here, {:?} there", key.0, key.1, self.rows.get(key), other.rows.get(key))
        };
        differing.take(most).map(sentence).collect()
    }
}
