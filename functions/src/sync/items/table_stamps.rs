//! When the tables of a room were changed last: an attribute of HEAD.

use aws_sdk_dynamodb::types::AttributeValue;
use protocol::stamp::Stamp;
use sync::table_stamps::TableStamps;

use super::{from_counts, to_counts};
use crate::dynamo::item::{as_number, get, item, number};

pub(super) fn from_table_stamps(stamps: &TableStamps) -> AttributeValue {
    let last = stamps.last.iter().map(|(table, stamp)| (table.clone(), stamp.0)).collect();
    AttributeValue::M(item([
        ("as_of", number(stamps.as_of.0)),
        ("others", number(stamps.others.0)),
        ("last", from_counts(&last)),
    ]))
}

pub(super) fn to_table_stamps(value: &AttributeValue) -> Option<TableStamps> {
    let item = value.as_m().ok()?;
    let last = get(item, "last", to_counts).ok()?;
    Some(TableStamps {
        as_of: Stamp(get(item, "as_of", as_number).ok()?),
        others: Stamp(get(item, "others", as_number).ok()?),
        last: last.into_iter().map(|(table, stamp)| (table, Stamp(stamp))).collect(),
    })
}
