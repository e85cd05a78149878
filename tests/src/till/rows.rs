//! A till's local store: the last it knows of every record.

use std::collections::BTreeMap;

use shared::protocol::pull::ChangeBody;
use shared::protocol::push::RecordBody;
use shared::protocol::socket::SyncFrame;
use shared::record::Operation;
use shared::stamp::Stamp;

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

/// All records by table and id. Two tills hold the same when these are equal.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rows(BTreeMap<(String, String), Row>);

impl Rows {
    fn set(&mut self, table: &str, id: &str, row: Row) -> bool {
        let key = (table.to_owned(), id.to_owned());
        // Changes may come twice and by three ways; the later stamp is the later change.
        let newer = self.0.get(&key).is_none_or(|known| known.stamp < row.stamp);
        if newer {
            self.0.insert(key, row);
        }
        newer
    }

    /// Takes over a pulled change; whether it was new.
    pub fn apply(&mut self, change: &ChangeBody) -> bool {
        let data = change.data.as_str().to_owned();
        let row = Row { data, version: change.version, stamp: change.stamp, deleted: change.is_deleted };
        self.set(&change.table_name, &change.record_id, row)
    }

    /// Takes over a broadcast change; whether it was new.
    pub fn hear(&mut self, frame: &SyncFrame) -> bool {
        let deleted = frame.operation == Operation::Delete;
        let row =
            Row { data: frame.data.as_str().to_owned(), version: frame.version, stamp: frame.stamp, deleted };
        self.set(&frame.table_name, &frame.record_id, row)
    }

    /// Takes over what a push of its own became.
    pub fn put(&mut self, record: &RecordBody, version: u64, stamp: Stamp, data: &str) -> bool {
        let row = Row { data: data.to_owned(), version, stamp, deleted: record.is_deleted };
        self.set(&record.table_name, &record.record_id, row)
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
