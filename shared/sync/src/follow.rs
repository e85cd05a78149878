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
///
/// Only equality proves that nothing is between the till and the changes. A till beyond `prev` stands in a
/// history that the room no longer has, because the tables were put back from a copy, or its pull and its
/// push crossed; a pull settles both.
pub fn follow(position: Stamp, prev: Stamp, stamp: Stamp) -> Follow {
    if stamp <= position {
        Follow::Drop
    } else if prev == position {
        Follow::Apply
    } else {
        Follow::Pull
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    #[test]
    fn known_changes_are_dropped_the_next_is_applied_and_anything_else_is_pulled() {
        assert_eq!(follow(Stamp(5), Stamp(3), Stamp(5)), Follow::Drop);
        assert_eq!(follow(Stamp(5), Stamp(5), Stamp(9)), Follow::Apply);
        assert_eq!(follow(Stamp(5), Stamp(6), Stamp(9)), Follow::Pull);
        // The room was restored to a moment before 5, and has gone on.
        assert_eq!(follow(Stamp(5), Stamp(3), Stamp(9)), Follow::Pull);
    }

    proptest! {
        /// A till that follows the rule, and takes over the room's history when it pulls, never misses a
        /// change and keeps none that the room lost, however frames are lost, duplicated and reordered, and
        /// however often the room is put back to an earlier moment.
        #[test]
        fn a_till_holds_what_the_room_has(
            events in prop::collection::vec((0..4_u8, any::<prop::sample::Index>()), 0..80),
        ) {
            let (mut room, mut clock) = (Vec::<(Stamp, Stamp)>::new(), 0);
            let (mut held, mut position) = (BTreeSet::new(), Stamp::ZERO);
            let mut frames: Vec<(Stamp, Stamp)> = Vec::new();
            for (what, index) in events {
                match what {
                    // A restore takes time, so later stamps are new ones.
                    0 if !room.is_empty() => room.truncate(index.index(room.len())),
                    0 | 1 => {
                        clock += 1;
                        room.push((room.last().map_or(Stamp::ZERO, |last| last.1), Stamp(clock)));
                        frames.extend(room.last());
                    }
                    _ if frames.is_empty() => {}
                    _ => {
                        let (prev, stamp) = frames[index.index(frames.len())];
                        match follow(position, prev, stamp) {
                            Follow::Drop => {}
                            Follow::Apply => {
                                held.insert(stamp);
                                position = stamp;
                            }
                            Follow::Pull => {
                                held = room.iter().map(|(_, stamp)| *stamp).collect();
                                position = room.last().map_or(Stamp::ZERO, |last| last.1);
                            }
                        }
                    }
                }
            }
            // The next commit reaches the till.
            let prev = room.last().map_or(Stamp::ZERO, |last| last.1);
            let stamp = Stamp(clock + 1);
            room.push((prev, stamp));
            match follow(position, prev, stamp) {
                Follow::Apply => drop(held.insert(stamp)),
                Follow::Pull => held = room.iter().map(|(_, stamp)| *stamp).collect(),
                Follow::Drop => prop_assert!(false, "a new change is dropped"),
            }
            prop_assert_eq!(held, room.iter().map(|(_, stamp)| *stamp).collect());
        }
    }
}
