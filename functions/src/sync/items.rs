//! Items of the sync table: how each is stored and read back.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use protocol::ids::{BatchId, DeviceId};
use protocol::stamp::Stamp;
use protocol::timestamp::Timestamp;
use sync::clocks::{ClockReading, Clocks};
use sync::dead_letters::DeadLetterItem;
use sync::log::LogItem;
use sync::marker::Marker;
use sync::policy::field_merge::FieldVersions;
use sync::record::Record;
use sync::rules::Retention;
use sync::snapshot::Head;

use crate::dynamo::error::StoreError;
use crate::dynamo::item::{
    Item, as_bool, as_bytes, as_json, as_number, as_parsed, as_text, get, item, number, optional, text,
};

/// Writes a room's HEAD.
pub fn from_head(head: &Head) -> Item {
    item([
        ("stamp", number(head.stamp.0)),
        ("changes", number(head.changes)),
        ("log_items", number(head.log_items)),
        ("live", from_counts(&head.live)),
    ])
}

/// Reads a room's HEAD.
pub fn to_head(item: &Item) -> Result<Head, StoreError> {
    Ok(Head {
        stamp: Stamp(get(item, "stamp", as_number)?),
        changes: get(item, "changes", as_number)?,
        log_items: get(item, "log_items", as_number)?,
        live: get(item, "live", to_counts)?,
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

/// The clock readings in the attribute `clocks` of an item: of CLOCKS, or of a HEAD from before CLOCKS existed.
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
    if record.fields != FieldVersions::default() {
        written.insert("fields_since".to_owned(), number(record.fields.since));
        written.insert("fields".to_owned(), from_counts(&record.fields.changed));
    }
    written
}

/// Reads a record.
pub fn to_record(item: &Item) -> Result<Record, StoreError> {
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
    })
}

/// Numbers by name.
fn to_counts(value: &AttributeValue) -> Option<BTreeMap<String, u64>> {
    value.as_m().ok()?.iter().map(|(name, count)| Some((name.clone(), as_number(count)?))).collect()
}

fn from_counts(counts: &BTreeMap<String, u64>) -> AttributeValue {
    AttributeValue::M(counts.iter().map(|(name, &count)| (name.clone(), number(count))).collect())
}

/// Writes a batch's marker, which expires after its retention.
pub fn from_marker(marker: &Marker, retention: Retention, now: Timestamp) -> Item {
    let mut item = item([
        ("hash", AttributeValue::B(Blob::new(marker.hash))),
        ("prev", number(marker.prev.0)),
        ("stamp", number(marker.stamp.0)),
        ("codes", text(&marker.codes)),
        ("ttl", number(now.plus_secs(retention.marker_secs()).as_secs())),
    ]);
    if let Some(user) = &marker.user {
        item.insert(MARKER_USER.to_owned(), text(user));
    }
    item
}

/// The attribute of a marker that a token of no device wrote.
pub const MARKER_USER: &str = "user";

/// Reads a batch's marker. A marker past its `ttl` counts until DynamoDB deletes it.
pub fn to_marker(item: &Item) -> Result<Marker, StoreError> {
    Ok(Marker {
        hash: get(item, "hash", |value| as_bytes(value)?.try_into().ok())?,
        prev: Stamp(get(item, "prev", as_number)?),
        stamp: Stamp(get(item, "stamp", as_number)?),
        codes: get(item, "codes", as_text)?.clone(),
        user: optional(item, MARKER_USER, |value| as_text(value).cloned())?,
    })
}

/// Writes a log item, which expires after its retention. Its last stamp is its sort key.
pub fn from_log(log: LogItem, retention: Retention, now: Timestamp) -> Item {
    item([
        ("total", number(log.total)),
        ("prev", number(log.prev.0)),
        ("first", number(log.first.0)),
        ("device", text(log.device)),
        ("body", AttributeValue::B(Blob::new(log.body))),
        ("ttl", number(now.plus_secs(retention.log_secs()).as_secs())),
    ])
}

/// Reads a log item.
pub fn to_log(item: &Item) -> Result<LogItem, StoreError> {
    Ok(LogItem {
        prev: Stamp(get(item, "prev", as_number)?),
        first: Stamp(get(item, "first", as_number)?),
        last: Stamp(get(item, "sk", as_parsed)?),
        total: get(item, "total", as_number)?,
        device: get(item, "device", as_parsed)?,
        body: get(item, "body", as_bytes)?.to_vec(),
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

#[cfg(test)]
mod tests {
    use protocol::json::JsonText;

    use super::*;

    #[test]
    fn every_item_reads_back() {
        let device = || "till-1".parse().unwrap();
        let live = BTreeMap::from([("products".to_owned(), 3)]);
        let reading = ClockReading { skew_millis: -7, at: Timestamp(3) };
        let clocks: Clocks = [(device(), reading)].into_iter().collect();
        assert_eq!(to_clocks(&item([("clocks", from_clocks(&clocks))])).unwrap(), clocks);
        let head = Head { stamp: Stamp(9), changes: 5, log_items: 2, live };
        assert_eq!(to_head(&from_head(&head)).unwrap(), head);

        let data = JsonText::from_text(r#"{"price": 1.10}"#.into()).unwrap();
        let record = Record {
            data,
            version: 2,
            stamp: Stamp(9),
            modified_at: Timestamp(8),
            device: device(),
            deleted: true,
            fields: FieldVersions { since: 1, changed: BTreeMap::from([("price".to_owned(), 2)]) },
        };
        let keep = Retention::default();
        let tombstone = from_record(&record, keep, Timestamp(0));
        assert_eq!(to_record(&tombstone).unwrap(), record);
        assert_eq!(as_number(&tombstone["ttl"]), Some(keep.tombstone_secs()));
        let live = Record { deleted: false, fields: FieldVersions::default(), ..record };
        assert_eq!(to_record(&from_record(&live, keep, Timestamp(0))).unwrap(), live);
        assert!(!from_record(&live, keep, Timestamp(0)).contains_key("ttl"));

        let bound = Marker { hash: [7; 32], prev: Stamp(1), stamp: Stamp(2), codes: "a1".into(), user: None };
        let free = Marker { user: Some("u1".into()), ..bound.clone() };
        for marker in [bound, free] {
            assert_eq!(to_marker(&from_marker(&marker, keep, Timestamp(0))).unwrap(), marker);
        }

        let log = LogItem {
            prev: Stamp(1),
            first: Stamp(2),
            last: Stamp(3),
            total: 4,
            device: device(),
            body: vec![1, 2],
        };
        let mut item = from_log(log.clone(), keep, Timestamp(0));
        item.insert("sk".into(), text("0000000000000003"));
        assert_eq!(to_log(&item).unwrap(), log);
    }

    #[test]
    fn a_damaged_item_names_what_is_wrong() {
        let mut item = from_head(&Head::default());
        item.insert("stamp".into(), text("soon"));
        assert!(matches!(to_head(&item), Err(StoreError::Corrupt("stamp"))));
    }
}
