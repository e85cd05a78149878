//! The numbers of a device's batches, as they are stored.

use aws_sdk_dynamodb::types::AttributeValue;
use protocol::timestamp::Timestamp;
use sync::device_batches::{DeviceBatches, NumberMark, NumberRange};

use crate::dynamo::error::StoreError;
use crate::dynamo::item::{Item, as_bool, as_number, get, item, number, optional};
use crate::dynamo::kind::ItemKind;

/// The numbers of a device's batches.
pub const DEVICE: ItemKind = ItemKind {
    name: "device batches",
    format: 1,
    attributes: &["ranges", "marks", "reused", "noted_at", DEVICE_REVISION],
};

/// The attribute with the number of writes of the item so far: each write is based on the one before.
pub const DEVICE_REVISION: &str = "revision";

/// Writes the numbers of a device's batches, as the write after [`DeviceBatches::revision`].
pub fn from_device_batches(batches: &DeviceBatches) -> Item {
    let pairs = |pairs: Vec<(u64, u64)>| {
        let pair = |(a, b)| AttributeValue::L(vec![number(a), number(b)]);
        AttributeValue::L(pairs.into_iter().map(pair).collect())
    };
    let mut written = item([
        ("ranges", pairs(batches.ranges.iter().map(|range| (range.first, range.last)).collect())),
        ("marks", pairs(batches.marks.iter().map(|mark| (mark.number, mark.at.0)).collect())),
        ("reused", AttributeValue::Bool(batches.reused)),
        (DEVICE_REVISION, number(batches.revision.saturating_add(1))),
    ]);
    if let Some(noted_at) = batches.noted_at {
        written.insert("noted_at".to_owned(), number(noted_at.0));
    }
    written
}

/// Reads the numbers of a device's batches.
pub fn to_device_batches(item: &Item) -> Result<DeviceBatches, StoreError> {
    DEVICE.read(item, |item| {
        Ok(DeviceBatches {
            ranges: get(item, "ranges", |value| pairs(value, |first, last| NumberRange { first, last }))?,
            marks: get(item, "marks", |value| {
                pairs(value, |number, at| NumberMark { number, at: Timestamp(at) })
            })?,
            reused: get(item, "reused", as_bool)?,
            noted_at: optional(item, "noted_at", as_number)?.map(Timestamp),
            revision: get(item, DEVICE_REVISION, as_number)?,
        })
    })
}

fn pairs<T>(value: &AttributeValue, of: impl Fn(u64, u64) -> T) -> Option<Vec<T>> {
    let pair = |value: &AttributeValue| {
        let [first, second] = value.as_l().ok()?.as_slice() else { return None };
        Some(of(as_number(first)?, as_number(second)?))
    };
    value.as_l().ok()?.iter().map(pair).collect()
}
