//! The log: the changes of one commit as one compressed item, or several if they do not fit one.

use std::collections::BTreeSet;
use std::io::{Read, Write};

use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::limits::{LOG_ITEM_BYTES_MAX, LOG_ITEM_INFLATED_BYTES_MAX};
use crate::tables::Tables;
use protocol::ids::{DeviceId, Room};
use protocol::json::JsonText;
use protocol::record::{Change, Operation, RecordKey};
use protocol::stamp::Stamp;
use protocol::wire::publication::{Publication, PublishedChange};

/// One stored item of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogItem {
    /// The room's stamp before this item, which links it to its predecessor.
    pub prev: Stamp,
    /// The stamp of its first change.
    pub first: Stamp,
    /// The stamp of its last change.
    pub last: Stamp,
    /// Number of changes ever committed in the room up to and including this item; delivery statistics use
    /// it.
    pub total: u64,
    /// The device that made the changes.
    pub device: DeviceId,
    /// The tables of the changes; `None` in an item from before they were stored beside the body.
    pub tables: Option<BTreeSet<String>>,
    /// The changes as JSON, compressed by DEFLATE (RFC 1951).
    pub body: Vec<u8>,
}

/// A log item as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogEntry {
    /// It can be read.
    Item(LogItem),
    /// It is damaged; its key still tells its last stamp.
    Damaged(Damaged),
}

impl LogEntry {
    /// The stamp of its last change.
    pub fn last(&self) -> Stamp {
        match self {
            LogEntry::Item(item) => item.last,
            LogEntry::Damaged(damaged) => damaged.last,
        }
    }
}

/// A log item that is damaged. Only a snapshot leads past it, as if it had expired.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Damaged {
    /// The stamp of its last change.
    pub last: Stamp,
}

/// A log or dead-letter item that cannot be written or read: a bug of ours or a corrupt item.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The bytes do not compress or decompress.
    #[error("failed to read or write a log item's body: {0}")]
    Deflate(#[from] std::io::Error),
    /// The text is not the JSON that we write.
    #[error("failed to read or write a log item's changes: {0}")]
    Json(#[from] serde_json::Error),
    /// The number of changes contradicts the stamps.
    #[error("failed to read a log item: it should have {expected} changes and has {found}")]
    Count {
        /// By the stamps.
        expected: u64,
        /// In the body.
        found: u64,
    },
}

/// A change inside a log item. Names of one letter keep items small: every pull pays for them.
#[derive(Serialize, Deserialize)]
struct Entry {
    #[serde(rename = "t")]
    table: String,
    #[serde(rename = "i")]
    id: String,
    #[serde(rename = "o")]
    operation: Operation,
    #[serde(rename = "v")]
    version: u64,
    #[serde(rename = "d")]
    data: JsonText,
}

/// Splits a commit into publications of one log item each, below [`LOG_ITEM_BYTES_MAX`].
pub fn publications(
    tables: &Tables,
    room: &Room,
    prev: Stamp,
    device: &DeviceId,
    changes: &[Change],
) -> Vec<Publication> {
    let mut prev = prev;
    let part = |part: &[Change]| {
        let (first, last) = (part.first()?.stamp, part.last()?.stamp);
        Some(Publication {
            client_id: room.client.clone(),
            branch_id: room.branch.clone(),
            device_id: device.clone(),
            prev: std::mem::replace(&mut prev, last),
            first,
            changes: part.iter().map(|change| published(tables, change)).collect(),
        })
    };
    split(changes).into_iter().filter_map(part).collect()
}

/// The number of log items that store `changes`.
pub(crate) fn items_of(changes: &[Change]) -> usize {
    split(changes).iter().filter(|part| !part.is_empty()).count()
}

/// The change as the room receives it, with the lowest role that may read it.
fn published(tables: &Tables, change: &Change) -> PublishedChange {
    PublishedChange {
        table_name: change.key.table.clone(),
        record_id: change.key.id.clone(),
        operation: change.operation,
        data: change.data.clone(),
        version: change.version,
        read: tables.reader(&change.key.table),
    }
}

/// Splits a commit into runs that fit one item each without compression.
fn split(changes: &[Change]) -> Vec<&[Change]> {
    let mut parts = Vec::new();
    let (mut start, mut bytes) = (0, 0);
    for (i, change) in changes.iter().enumerate() {
        // Quotes, member names and numbers of an entry stay well below the constant.
        let size = change.data.as_str().len() + 2 * (change.key.table.len() + change.key.id.len()) + 64;
        if bytes + size > LOG_ITEM_BYTES_MAX && i > start {
            parts.extend(changes.get(start..i));
            (start, bytes) = (i, 0);
        }
        bytes += size;
    }
    parts.extend(changes.get(start..));
    parts
}

/// The log item of `publication`, whose last change is number `total` of the room. [`publication`] is the
/// inverse.
pub fn item(publication: &Publication, total: u64) -> Result<LogItem, LogError> {
    let entry = |change: &PublishedChange| Entry {
        table: change.table_name.clone(),
        id: change.record_id.clone(),
        operation: change.operation,
        version: change.version,
        data: change.data.clone(),
    };
    let entries: Vec<Entry> = publication.changes.iter().map(entry).collect();
    Ok(LogItem {
        prev: publication.prev,
        first: publication.first,
        last: publication.last(),
        total,
        device: publication.device_id.clone(),
        tables: Some(publication.changes.iter().map(|change| change.table_name.clone()).collect()),
        body: compress(&entries)?,
    })
}

/// `value` as JSON, compressed by DEFLATE (RFC 1951).
pub(crate) fn compress(value: &impl Serialize) -> Result<Vec<u8>, LogError> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(&serde_json::to_vec(value)?)?;
    Ok(encoder.finish()?)
}

/// Reads what [`compress`] wrote; at most [`LOG_ITEM_INFLATED_BYTES_MAX`] bytes of JSON, in case the item is
/// corrupt.
pub(crate) fn decompress<T: DeserializeOwned>(body: &[u8]) -> Result<T, LogError> {
    let mut json = Vec::new();
    DeflateDecoder::new(body).take(LOG_ITEM_INFLATED_BYTES_MAX as u64).read_to_end(&mut json)?;
    Ok(serde_json::from_slice(&json)?)
}

/// The changes of a log item.
fn entries(item: &LogItem) -> Result<Vec<Entry>, LogError> {
    let entries: Vec<Entry> = decompress(&item.body)?;
    let expected = item.last.0.saturating_sub(item.first.0).saturating_add(1);
    let found = entries.len() as u64;
    if expected == found { Ok(entries) } else { Err(LogError::Count { expected, found }) }
}

/// The keys of the changed records, once per change.
pub fn records(item: &LogItem) -> Result<Vec<RecordKey>, LogError> {
    let key = |entry: Entry| RecordKey { table: entry.table, id: entry.id };
    Ok(entries(item)?.into_iter().map(key).collect())
}

/// The publication that a log item of `room` holds. `tables` decides which roles may read it now.
pub fn publication(tables: &Tables, room: &Room, item: &LogItem) -> Result<Publication, LogError> {
    let change = |entry: Entry| PublishedChange {
        read: tables.reader(&entry.table),
        table_name: entry.table,
        record_id: entry.id,
        operation: entry.operation,
        data: entry.data,
        version: entry.version,
    };
    Ok(Publication {
        client_id: room.client.clone(),
        branch_id: room.branch.clone(),
        device_id: item.device.clone(),
        prev: item.prev,
        first: item.first,
        changes: entries(item)?.into_iter().map(change).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use protocol::limits::{PUSH_RECORDS_MAX, RECORD_BYTES_MAX};

    fn changes(sizes: &[usize]) -> Vec<Change> {
        let change = |(i, &size): (usize, &usize)| Change {
            key: RecordKey { table: "products".into(), id: format!("p{i}") },
            operation: Operation::Update,
            data: JsonText::from_text(format!(r#"{{"x":"{}"}}"#, "y".repeat(size))).unwrap(),
            version: 3,
            stamp: Stamp(1000).plus(i),
        };
        sizes.iter().enumerate().map(change).collect()
    }

    proptest! {
        #[test]
        fn items_chain_and_hold_every_change(sizes in prop::collection::vec(0..RECORD_BYTES_MAX - 8, 1..PUSH_RECORDS_MAX)) {
            let (room, device) = ("1:2".parse().unwrap(), "till-1".parse().unwrap());
            let (tables, changes) = (Tables::built_in().unwrap(), changes(&sizes));
            let mut prev = Stamp(7);
            let mut found = Vec::new();
            for part in publications(&tables, &room, prev, &device, &changes) {
                let item = item(&part, 9).unwrap();
                prop_assert_eq!(&publication(&tables, &room, &item).unwrap(), &part);
                let names = part.changes.iter().map(|change| change.record_id.clone()).collect::<Vec<_>>();
                prop_assert_eq!(records(&item).unwrap().into_iter().map(|key| key.id).collect::<Vec<_>>(), names);
                prop_assert_eq!((part.prev, part.last()), (prev, item.last));
                prop_assert!(item.body.len() < LOG_ITEM_BYTES_MAX + 16 * 1024);
                prev = item.last;
                found.extend(part.changes);
            }
            let expected: Vec<PublishedChange> = changes.iter().map(|change| published(&tables, change)).collect();
            prop_assert_eq!(found, expected);
        }
    }

    #[test]
    fn a_damaged_item_is_an_error() {
        let (room, device) = ("1:2".parse().unwrap(), "till-1".parse().unwrap());
        let tables = Tables::built_in().unwrap();
        let item = item(&publications(&tables, &room, Stamp(7), &device, &changes(&[10, 10]))[0], 9).unwrap();
        assert!(publication(&tables, &room, &LogItem { body: vec![1, 2, 3], ..item.clone() }).is_err());
        assert!(matches!(
            publication(&tables, &room, &LogItem { last: Stamp(5000), ..item }),
            Err(LogError::Count { found: 2, .. })
        ));
    }
}
