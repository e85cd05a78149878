//! The marker of a batch, as it is stored.

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use protocol::stamp::Stamp;
use protocol::timestamp::Timestamp;
use sync::batch_hash::BatchHash;
use sync::marker::Marker;
use sync::rules::Retention;

use crate::dynamo::error::StoreError;
use crate::dynamo::item::{Item, as_bytes, as_number, as_text, get, item, number, optional, text};
use crate::dynamo::kind::ItemKind;

/// The marker of a batch.
pub const MARKER: ItemKind = ItemKind {
    name: "marker",
    format: 1,
    attributes: &["hash", "meaning", "prev", "stamp", "codes", "ttl", MARKER_USER],
};

/// Writes a batch's marker, which expires after its retention.
pub fn from_marker(marker: &Marker, retention: Retention, now: Timestamp) -> Item {
    let mut item = item([
        ("hash", AttributeValue::B(Blob::new(marker.hash.sent))),
        ("prev", number(marker.prev.0)),
        ("stamp", number(marker.stamp.0)),
        ("codes", text(&marker.codes)),
        ("ttl", number(now.plus_secs(retention.marker_secs()).as_secs())),
    ]);
    if let Some(meaning) = marker.hash.meaning {
        item.insert("meaning".to_owned(), AttributeValue::B(Blob::new(meaning)));
    }
    if let Some(user) = &marker.user {
        item.insert(MARKER_USER.to_owned(), text(user));
    }
    item
}

/// The attribute of a marker that a token of no device wrote.
pub const MARKER_USER: &str = "user";

/// Reads a batch's marker. A marker past its `ttl` counts until DynamoDB deletes it.
pub fn to_marker(item: &Item) -> Result<Marker, StoreError> {
    MARKER.read(item, |item| {
        Ok(Marker {
            hash: BatchHash {
                sent: get(item, "hash", |value| as_bytes(value)?.try_into().ok())?,
                meaning: optional(item, "meaning", |value| as_bytes(value)?.try_into().ok())?,
            },
            prev: Stamp(get(item, "prev", as_number)?),
            stamp: Stamp(get(item, "stamp", as_number)?),
            codes: get(item, "codes", as_text)?.clone(),
            user: optional(item, MARKER_USER, |value| as_text(value).cloned())?,
        })
    })
}
