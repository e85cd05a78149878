//! What a room has certainly not forgotten: an attribute of HEAD.

use aws_sdk_dynamodb::types::AttributeValue;
use protocol::stamp::Stamp;
use sync::shortest_retention::ShortestRetention;

use crate::dynamo::item::{as_number, get, item, number, optional};

pub(super) fn from_shortest_retention(shortest_retention: &ShortestRetention) -> AttributeValue {
    let mut written = item([
        ("tombstone_secs", number(shortest_retention.tombstone_secs)),
        ("marker_secs", number(shortest_retention.marker_secs)),
        ("first_commit", number(shortest_retention.first_commit.0)),
        ("as_of", number(shortest_retention.as_of.0)),
    ]);
    if let Some(first) = shortest_retention.first_tombstone {
        written.insert("first_tombstone".to_owned(), number(first.0));
    }
    AttributeValue::M(written)
}

pub(super) fn to_shortest_retention(value: &AttributeValue) -> Option<ShortestRetention> {
    let item = value.as_m().ok()?;
    let first_tombstone = optional(item, "first_tombstone", as_number).ok()?;
    Some(ShortestRetention {
        tombstone_secs: get(item, "tombstone_secs", as_number).ok()?,
        marker_secs: get(item, "marker_secs", as_number).ok()?,
        first_commit: Stamp(get(item, "first_commit", as_number).ok()?),
        first_tombstone: first_tombstone.map(Stamp),
        as_of: Stamp(get(item, "as_of", as_number).ok()?),
        is_stored: true,
    })
}
