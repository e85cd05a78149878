//! Commit stamps; `sync::cursor` has the cursors.

use serde::{Deserialize, Serialize};

use crate::timestamp::Timestamp;

/// The position of one change in its room.
///
/// A stamp is three things at once: the server's time of the change, its sequence number (strictly
/// increasing per room, because it is assigned inside the serialising write) and the position a pull
/// continues from. Microseconds since the epoch, below 2^53; 0 is the position before everything.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Stamp(pub u64);

impl Stamp {
    /// The position before the first change of a room.
    pub const ZERO: Stamp = Stamp(0);

    /// The first stamp of a commit at `now` in a room whose last stamp is `self`.
    ///
    /// Increases even if the clock is behind.
    pub fn next(self, now: Timestamp) -> Stamp {
        Stamp(now.0.max(self.0.saturating_add(1)))
    }

    /// The stamp of the `n`th next change in the same commit.
    pub fn plus(self, n: usize) -> Stamp {
        Stamp(self.0.saturating_add(n as u64))
    }

    /// The time of the change, as `server_updated_at` shows it.
    pub fn time(self) -> Timestamp {
        Timestamp(self.0)
    }
}

/// Parses a stamp of plain digits, as `since` and `min` allow it.
pub fn parse_digits(digits: &str) -> Option<Stamp> {
    let plain = !digits.is_empty() && digits.len() <= 16 && digits.bytes().all(|b| b.is_ascii_digit());
    let value = digits.parse().ok().filter(|_| plain)?;
    (value <= Timestamp::MAX.0).then_some(Stamp(value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_clock_behind_does_not_break_the_order() {
        assert_eq!(Stamp(100).next(Timestamp(500)), Stamp(500));
        assert_eq!(Stamp(100).next(Timestamp(100)), Stamp(101));
        assert_eq!(Stamp(100).next(Timestamp(7)), Stamp(101));
    }

    #[test]
    fn texts_that_are_no_stamp_are_refused() {
        for text in ["", "-1", "+1", "1 ", "99999999999999999999", "9999999999999999", "1e3"] {
            assert_eq!(parse_digits(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_stamp_reads_back(stamp in 0..Timestamp::MAX.0) {
            prop_assert_eq!(parse_digits(&stamp.to_string()), Some(Stamp(stamp)));
        }
    }
}
