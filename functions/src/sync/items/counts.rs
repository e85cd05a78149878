//! The counts of a room beside its HEAD.

use sync::counts::RoomCounts;

use crate::dynamo::damage::readable;
use crate::dynamo::error::StoreError;
use crate::dynamo::item::{Item, as_number, item, number, optional};
use crate::dynamo::kind::ItemKind;

/// The counts.
pub const COUNTS: ItemKind =
    ItemKind { name: "counts", format: 1, attributes: &["dead_letters", "conflicts", COUNTS_REVISION] };

/// The attribute with the number of writes of the counts so far: each write is based on the one before.
pub const COUNTS_REVISION: &str = "revision";

/// Writes a room's counts, as the write after number `revision`.
pub fn from_room_counts(counts: RoomCounts, revision: u64) -> Item {
    item([
        ("dead_letters", number(counts.dead_letters)),
        ("conflicts", number(counts.conflicts)),
        (COUNTS_REVISION, number(revision.saturating_add(1))),
    ])
}

/// Reads a room's counts and their revision. A damaged count begins again: no sale may fail with it.
pub fn to_room_counts(item: &Item) -> Result<(RoomCounts, u64), StoreError> {
    let count = |name| {
        let count = readable(&COUNTS, item, |item| optional(item, name, as_number))?;
        Ok::<_, StoreError>(count.flatten().unwrap_or_default())
    };
    COUNTS.read(item, |_| {
        let counts = RoomCounts { dead_letters: count("dead_letters")?, conflicts: count("conflicts")? };
        Ok((counts, count(COUNTS_REVISION)?))
    })
}
