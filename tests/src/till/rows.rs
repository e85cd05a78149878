//! A till's local store: the last it knows of every record.

use std::collections::BTreeMap;

use protocol::record::Operation;
use protocol::stamp::Stamp;
use protocol::wire::pull::PulledChange;
use protocol::wire::socket::SyncFrame;

/// One record, as a till knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Its data, as the text it was sent with.
    pub data: String,
    /// Its version.
    pub version: u64,
    /// The change that wrote it.
    pub stamp: Stamp,
    /// Whether it is a tombstone.
    pub deleted: bool,
}

impl From<&PulledChange> for Row {
    fn from(change: &PulledChange) -> Row {
        let data = change.data.as_str().to_owned();
        Row { data, version: change.version, stamp: change.stamp, deleted: change.is_deleted }
    }
}

impl From<&SyncFrame> for Row {
    fn from(frame: &SyncFrame) -> Row {
        let deleted = frame.operation == Operation::Delete;
        Row { data: frame.data.as_str().to_owned(), version: frame.version, stamp: frame.stamp, deleted }
    }
}

/// All records by table and id. Two tills hold the same when these are equal.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rows(BTreeMap<(String, String), Row>);

impl Rows {
    /// Takes over a row; whether it was new. Rows may come twice and by four ways; the later stamp is the later one.
    pub fn set(&mut self, table: &str, id: &str, row: Row) -> bool {
        let newer = self.get(table, id).is_none_or(|known| known.stamp < row.stamp);
        newer && self.replace(table, id, row)
    }

    /// Takes over a row whatever was there; whether it differs.
    pub fn replace(&mut self, table: &str, id: &str, row: Row) -> bool {
        let before = self.0.insert((table.to_owned(), id.to_owned()), row);
        before.as_ref() != self.get(table, id)
    }

    /// Forgets every record whose key `keep` does not hold.
    pub fn retain(&mut self, keep: impl Fn(&(String, String)) -> bool) {
        self.0.retain(|key, _| keep(key));
    }

    /// Every record, in key order.
    pub fn iter(&self) -> impl Iterator<Item = (&(String, String), &Row)> {
        self.0.iter()
    }

    /// The records that are no tombstones: what two tills must agree on, however long one of them was away.
    pub fn live(&self) -> Rows {
        Rows(
            self.0
                .iter()
                .filter(|(_, row)| !row.deleted)
                .map(|(key, row)| (key.clone(), row.clone()))
                .collect(),
        )
    }

    /// The record, if it is known.
    pub fn get(&self, table: &str, id: &str) -> Option<&Row> {
        self.0.get(&(table.to_owned(), id.to_owned()))
    }

    /// How many records there are, tombstones included.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The first records, in key order, that `other` has differently, as a sentence each.
    pub fn differences(&self, other: &Rows, most: usize) -> Vec<String> {
        let keys: std::collections::BTreeSet<_> = self.0.keys().chain(other.0.keys()).collect();
        let differ = keys.into_iter().filter(|key| self.0.get(key) != other.0.get(key));
        let tell = |key: &(String, String)| {
            format!("{} {}: {:?} here, {:?} there", key.0, key.1, self.0.get(key), other.0.get(key))
        };
        differ.take(most).map(tell).collect()
    }
}
