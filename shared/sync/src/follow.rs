//! The rule by which a till at a position follows its room.

use protocol::stamp::Stamp;

/// What to do with a change, or with the answer to a push.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Follow {
    /// It is known already.
    Drop,
    /// It is the next one: apply it and stand at its stamp.
    Apply,
    /// Something in between was missed: pull.
    Pull,
}

/// What a till at `position` does with something that spans from `prev` to `stamp`.
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
    fn drops_what_is_known_applies_what_is_next_pulls_over_a_gap() {
        assert_eq!(follow(Stamp(5), Stamp(3), Stamp(5)), Follow::Drop);
        assert_eq!(follow(Stamp(5), Stamp(5), Stamp(9)), Follow::Apply);
        assert_eq!(follow(Stamp(5), Stamp(6), Stamp(9)), Follow::Pull);
    }

    proptest! {
        /// However frames are dropped, doubled and reordered, a till that obeys the rule and pulls when told
        /// to never stands behind a change it has not seen.
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
