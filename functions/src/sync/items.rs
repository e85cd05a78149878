//! Items of the sync table: how each is stored and read back.

pub mod counts;
pub mod device_batches;
pub mod head_office;
mod marker;
mod shortest_retention;
mod table_stamps;

use std::collections::BTreeMap;

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use protocol::ids::{BatchId, DeviceId};
use protocol::stamp::Stamp;
use protocol::timestamp::Timestamp;
use sync::clocks::{ClockReading, Clocks};
use sync::dead_letters::{DeadLetterItem, StoredDeadLetters};
use sync::log::LogItem;
use sync::policy::field_merge::FieldVersions;
use sync::record::Record;
use sync::rules::Retention;
use sync::snapshot::Head;
use sync::stats::Feed;
use sync::version_authors::VersionAuthors;

pub use self::marker::{MARKER, MARKER_USER, from_marker, to_marker};
use self::shortest_retention::{from_shortest_retention, to_shortest_retention};
use self::table_stamps::{from_table_stamps, to_table_stamps};
use super::keys;

use crate::dynamo::damage::readable;
use crate::dynamo::error::StoreError;
use crate::dynamo::item::{
    Item, as_bool, as_bytes, as_json, as_number, as_parsed, as_text, get, item, number, optional, text,
};
use crate::dynamo::kind::ItemKind;
use crate::dynamo::rewrite::member_by_member;

/// A room's HEAD. The release before wrote the clocks of its devices too; the next commit removes them.
pub const HEAD: ItemKind = ItemKind {
    name: "head",
    format: 1,
    attributes: &["stamp", "changes", "log_items", "live", "shortest_retention", "table_stamps", "clocks"],
};
/// A record or its tombstone.
pub const RECORD: ItemKind = ItemKind {
    name: "record",
    format: 1,
    attributes: &[
        "data",
        "version",
        "stamp",
        "modified_at",
        "device",
        "deleted",
        "ttl",
        "fields_since",
        "fields",
        "authors",
    ],
};
/// A log item.
pub const LOG: ItemKind = ItemKind {
    name: "log item",
    format: 1,
    attributes: &["total", "prev", "first", "device", "tables", "body", "ttl"],
};
/// The dead letters of a batch.
pub const DEAD: ItemKind = ItemKind {
    name: "dead letters",
    format: 1,
    attributes: &["device", "received_at", "open", "body", "batch"],
};
/// How far a room's log was published.
pub const FEED: ItemKind = ItemKind { name: "feed", format: 1, attributes: &["stamp", "changes"] };
/// The clocks of a room's devices.
pub const CLOCKS: ItemKind = ItemKind { name: "clocks", format: 1, attributes: &["clocks", "revision"] };

/// Writes a room's HEAD.
pub fn from_head(head: &Head) -> Item {
    let mut written = item([
        ("stamp", number(head.stamp.0)),
        ("changes", number(head.changes)),
        ("log_items", number(head.log_items)),
        ("live", from_counts(&head.live)),
    ]);
    if let Some(shortest_retention) = &head.shortest_retention {
        written.insert("shortest_retention".to_owned(), from_shortest_retention(shortest_retention));
    }
    if let Some(stamps) = &head.table_stamps {
        written.insert("table_stamps".to_owned(), from_table_stamps(stamps));
    }
    written
}

/// What a commit sets in a room's HEAD: members of a nested attribute that is stored are set one by one, so
/// that those of a newer release stay.
pub fn head_update(head: &Head) -> Item {
    let mut written = from_head(head);
    if head.shortest_retention.is_some_and(|kept| kept.is_stored) {
        member_by_member(&mut written, "shortest_retention");
    }
    written
}

/// Reads a room's HEAD. Without a stamp the room has no order, so that is an error; all else is only shown,
/// or has a safe value if it is damaged.
pub fn to_head(item: &Item) -> Result<Head, StoreError> {
    let count = |name| readable(&HEAD, item, |item| get(item, name, as_number));
    HEAD.read(item, |item| {
        let stamp = get(item, "stamp", as_number)?;
        Ok(Head {
            stamp: Stamp(stamp),
            // New records start above this number, so it must not begin again: no room has as many changes.
            changes: count("changes")?.unwrap_or(stamp),
            log_items: count("log_items")?.unwrap_or_default(),
            live: readable(&HEAD, item, |item| get(item, "live", to_counts))?.unwrap_or_default(),
            shortest_retention: readable(&HEAD, item, |item| {
                optional(item, "shortest_retention", to_shortest_retention)
            })?
            .flatten(),
            table_stamps: readable(&HEAD, item, |item| optional(item, "table_stamps", to_table_stamps))?
                .flatten(),
        })
    })
}

/// The attribute with the clock readings of a room's devices.
pub fn from_clocks(clocks: &Clocks) -> AttributeValue {
    let clock = |(device, reading): (&DeviceId, ClockReading)| {
        let skew = AttributeValue::N(reading.skew_millis.to_string());
        (device.to_string(), AttributeValue::L(vec![skew, number(reading.at.0)]))
    };
    AttributeValue::M(clocks.iter().map(clock).collect())
}

/// The clock readings in the attribute `clocks` of an item: of CLOCKS, or of a HEAD from before CLOCKS
/// existed.
pub fn to_clocks(item: &Item) -> Result<Clocks, StoreError> {
    Ok(optional(item, "clocks", clocks)?.unwrap_or_default())
}

fn clocks(value: &AttributeValue) -> Option<Clocks> {
    let clock = |(device, reading): (&String, &AttributeValue)| {
        let [skew, at] = reading.as_l().ok()?.as_slice() else { return None };
        let skew_millis = skew.as_n().ok()?.parse().ok()?;
        Some((device.parse().ok()?, ClockReading { skew_millis, at: Timestamp(as_number(at)?) }))
    };
    value.as_m().ok()?.iter().map(clock).collect()
}

/// Writes a record. A tombstone expires after its retention.
pub fn from_record(record: &Record, retention: Retention, now: Timestamp) -> Item {
    let mut written = item([
        ("data", text(record.data.as_str())),
        ("version", number(record.version)),
        ("stamp", number(record.stamp.0)),
        ("modified_at", number(record.modified_at.0)),
        ("device", text(record.device.as_str())),
        ("deleted", AttributeValue::Bool(record.deleted)),
    ]);
    if record.deleted {
        let ttl = now.plus_secs(retention.tombstone_secs()).as_secs();
        written.insert("ttl".to_owned(), number(ttl));
    }
    if !record.authors.is_empty() {
        written.insert("authors".to_owned(), text(record.authors.to_text()));
    }
    if record.fields != FieldVersions::default() {
        written.insert("fields_since".to_owned(), number(record.fields.since));
        written.insert("fields".to_owned(), from_counts(&record.fields.changed));
    }
    written
}

/// Reads a record.
pub fn to_record(item: &Item) -> Result<Record, StoreError> {
    RECORD.read(item, |item| {
        Ok(Record {
            data: get(item, "data", as_json)?,
            version: get(item, "version", as_number)?,
            stamp: Stamp(get(item, "stamp", as_number)?),
            modified_at: Timestamp(get(item, "modified_at", as_number)?),
            device: get(item, "device", as_parsed)?,
            deleted: get(item, "deleted", as_bool)?,
            fields: match optional(item, "fields", to_counts)? {
                None => FieldVersions::default(),
                Some(changed) => FieldVersions { since: get(item, "fields_since", as_number)?, changed },
            },
            authors: optional(item, "authors", |value| {
                as_text(value).map(|text| VersionAuthors::parse(text))
            })?
            .unwrap_or_default(),
        })
    })
}

/// Numbers by name.
fn to_counts(value: &AttributeValue) -> Option<BTreeMap<String, u64>> {
    value.as_m().ok()?.iter().map(|(name, count)| Some((name.clone(), as_number(count)?))).collect()
}

fn from_counts(counts: &BTreeMap<String, u64>) -> AttributeValue {
    AttributeValue::M(counts.iter().map(|(name, &count)| (name.clone(), number(count))).collect())
}

/// Writes a log item, which expires after its retention. Its last stamp is its sort key.
pub fn from_log(log: LogItem, retention: Retention, now: Timestamp) -> Item {
    let mut written = item([
        ("total", number(log.total)),
        ("prev", number(log.prev.0)),
        ("first", number(log.first.0)),
        ("device", text(log.device)),
        ("body", AttributeValue::B(Blob::new(log.body))),
        ("ttl", number(now.plus_secs(retention.log_secs()).as_secs())),
    ]);
    if let Some(tables) = log.tables {
        written.insert("tables".to_owned(), AttributeValue::Ss(tables.into_iter().collect()));
    }
    written
}

/// Reads a log item.
pub fn to_log(item: &Item) -> Result<LogItem, StoreError> {
    LOG.read(item, |item| {
        Ok(LogItem {
            prev: Stamp(get(item, "prev", as_number)?),
            first: Stamp(get(item, "first", as_number)?),
            last: Stamp(get(item, "sk", as_parsed)?),
            total: get(item, "total", as_number)?,
            device: get(item, "device", as_parsed)?,
            tables: optional(item, "tables", |value| Some(value.as_ss().ok()?.iter().cloned().collect()))?,
            body: get(item, "body", as_bytes)?.to_vec(),
        })
    })
}

/// A set of the indexes of dead letters.
pub fn numbers(indexes: &[usize]) -> AttributeValue {
    AttributeValue::Ns(indexes.iter().map(ToString::to_string).collect())
}

/// Writes the dead letters of a batch. They are kept until each is replayed or discarded.
pub fn from_dead(dead: DeadLetterItem, device: &DeviceId, batch: Option<&BatchId>, now: Timestamp) -> Item {
    let mut written = item([
        ("device", text(device.as_str())),
        ("received_at", number(now.0)),
        ("open", numbers(&dead.open)),
        ("body", AttributeValue::B(Blob::new(dead.body))),
    ]);
    if let Some(batch) = batch {
        written.insert("batch".to_owned(), text(batch.as_str()));
    }
    written
}

/// Reads the dead letters of a batch.
pub fn to_dead(item: &Item) -> Result<StoredDeadLetters, StoreError> {
    let read = |item: &Item| {
        let key = get(item, "sk", as_text)?;
        let key = keys::dead_of(key).ok_or(StoreError::Corrupt("sk"))?;
        let open = get(item, "open", |value| value.as_ns().ok())?.iter().map(|place| place.parse());
        let mut open: Vec<usize> = open.collect::<Result<_, _>>().map_err(|_| StoreError::Corrupt("open"))?;
        open.sort_unstable();
        Ok(StoredDeadLetters {
            item: DeadLetterItem { key, open, body: get(item, "body", as_bytes)?.to_vec() },
            device: get(item, "device", as_parsed)?,
            batch: optional(item, "batch", as_parsed)?,
            received_at: Timestamp(get(item, "received_at", as_number)?),
        })
    };
    DEAD.read(item, read)
}

/// Reads a room's FEED.
pub fn to_feed(item: &Item) -> Result<Feed, StoreError> {
    let read = |item: &Item| {
        Ok(Feed { stamp: Stamp(get(item, "stamp", as_number)?), changes: get(item, "changes", as_number)? })
    };
    FEED.read(item, read)
}

#[cfg(test)]
mod tests;
