//! What the edge may read of a cursor of one room. `sync::cursor` writes cursors and reads all of them.

use crate::stamp::{Stamp, parse_digits};

/// The parts of a cursor that are not sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RoomCursor<'a> {
    /// The position in the log; `None` in a snapshot.
    pub stamp: Option<Stamp>,
    /// The digest of the tables that its reader could read.
    pub tables: &'a str,
    /// Whether it is in the tail of a snapshot, where the log must pass through one more change.
    pub is_tail: bool,
}

impl RoomCursor<'_> {
    /// The text of a cursor of the same reader at `stamp` in the log.
    pub fn moved_to(&self, stamp: Stamp) -> String {
        format!("p1.{}.{}", stamp.0, self.tables)
    }

    /// Reads `p1.<stamp>.<tables>`, in a tail with one part more, or `w1.<tables>.…`. `None` for any other
    /// text.
    pub fn read(text: &str) -> Option<RoomCursor<'_>> {
        let mut parts = text.split('.');
        let kind = parts.next()?;
        let stamp = match kind {
            "p1" => Some(parse_digits(parts.next()?)?),
            "w1" => None,
            _ => return None,
        };
        let tables = parts.next().filter(|tables| !tables.is_empty())?;
        Some(RoomCursor { stamp, tables, is_tail: stamp.is_some() && parts.next().is_some() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_tails_and_walks_are_read() {
        let read = |text| RoomCursor::read(text).unwrap();
        let position = RoomCursor { stamp: Some(Stamp(5)), tables: "x", is_tail: false };
        assert_eq!(read("p1.5.x"), position);
        assert_eq!(read("p1.5.x.9"), RoomCursor { is_tail: true, ..position });
        assert_eq!(read("p1.5.x.9").moved_to(Stamp(9)), "p1.9.x");
        assert_eq!(read("w1.x.k.abc"), RoomCursor { stamp: None, ..position });
        for text in ["", "p1", "p1.5", "p1.5.", "p1.x.y", "w1.", "h1.x", "v1.5.x", "5"] {
            assert_eq!(RoomCursor::read(text), None, "{text}");
        }
    }
}
