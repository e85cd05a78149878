//! Kinds of stored items, and the versions of their formats.
//!
//! Functions of two releases run side by side during a deployment. So each item may say which format it has,
//! in an attribute and not in its body: a release that does not know of the attribute still reads the body.

use super::error::StoreError;
use super::item::{Item, as_number, optional};

/// The attribute with the number of an item's format. Absent in the first format.
pub const FORMAT: &str = "format";

/// A kind of stored item.
#[derive(Debug)]
pub struct ItemKind {
    /// The name, for logs.
    pub name: &'static str,
    /// The latest format that this release reads, and the one that it writes; the first is 1. A release reads
    /// a format before the next release writes it.
    pub format: u64,
    /// The attributes that this release writes, besides the key and [`FORMAT`]. A write of the whole item
    /// leaves all others as they are.
    pub attributes: &'static [&'static str],
}

impl ItemKind {
    /// Reads `item` by `read`; [`StoreError::Newer`] if a newer release wrote it.
    pub fn read<T>(
        &self,
        item: &Item,
        read: impl FnOnce(&Item) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        match optional(item, FORMAT, as_number)? {
            Some(format) if format > self.format => Err(StoreError::Newer { kind: self.name, format }),
            _ => read(item),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dynamo::item::{item, number, text};

    const KIND: ItemKind = ItemKind { name: "thing", format: 2, attributes: &["size"] };

    #[test]
    fn known_formats_are_read_and_a_newer_one_is_not_damage() {
        let read = |item: &Item| KIND.read(item, |_| Ok(()));
        read(&Item::new()).unwrap();
        for format in [1, 2] {
            read(&item([(FORMAT, number(format))])).unwrap();
        }
        let newer = read(&item([(FORMAT, number(3))])).unwrap_err();
        assert!(matches!(newer, StoreError::Newer { kind: "thing", format: 3 }) && !newer.is_damage());
        assert!(read(&item([(FORMAT, text("3"))])).unwrap_err().is_damage());
    }
}
