//! How a till at a position follows its room.

use protocol::stamp::Stamp;

/// What a till does with a frame or a push response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Follow {
    /// Already known.
    Drop,
    /// The next change: apply it and move to its stamp.
    Apply,
    /// A change in between is missing: pull.
    Pull,
}

/// Decides for a till at `position` about changes that span `prev` to `stamp`.
pub fn follow(position: Stamp, prev: Stamp, stamp: Stamp) -> Follow {
    if stamp <= position {
        Follow::Drop
    } else if prev <= position {
        Follow::Apply
    } else {
        Follow::Pull
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn known_changes_are_dropped_the_next_is_applied_and_a_gap_is_pulled() {
        assert_eq!(follow(Stamp(5), Stamp(3), Stamp(5)), Follow::Drop);
        assert_eq!(follow(Stamp(5), Stamp(5), Stamp(9)), Follow::Apply);
        assert_eq!(follow(Stamp(5), Stamp(6), Stamp(9)), Follow::Pull);
    }

    proptest! {
        /// A till that follows the rule and pulls when told to never misses a change, however frames are
        /// lost, duplicated and reordered.
        #[test]
        fn nothing_is_ever_skipped(frames in prop::collection::vec(1..20_u64, 0..60)) {
            let mut seen = [false; 21];
            let mut position = Stamp::ZERO;
            for stamp in frames {
                match follow(position, Stamp(stamp - 1), Stamp(stamp)) {
                    Follow::Drop => {}
                    Follow::Apply => {
                        seen[usize::try_from(stamp).unwrap()] = true;
                        position = Stamp(stamp);
                    }
                    Follow::Pull => {
                        (position.0 + 1..=stamp).for_each(|s| seen[usize::try_from(s).unwrap()] = true);
                        position = Stamp(stamp);
                    }
                }
                prop_assert!((1..=position.0).all(|s| seen[usize::try_from(s).unwrap()]));
            }
        }
    }
}
