//! How a till at a position follows its room.

use crate::stamp::Stamp;

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

/// Whether a till at `position` should pull because its room is at `head`, the latest stamp that was
/// published to it. `pulled_for` is the latest head that the till knew when it asked for the last page of a
/// complete pull.
///
/// A pull is never behind a head that was told before it, unless the tables were put back from a copy. So one
/// pull settles a head, and a till does not pull for ever after a head that the tables no longer have.
pub fn is_behind(position: Stamp, pulled_for: Stamp, head: Stamp) -> bool {
    head > position.max(pulled_for)
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

    #[test]
    fn a_head_beyond_the_till_is_pulled_for_once() {
        assert!(is_behind(Stamp(5), Stamp::ZERO, Stamp(9)));
        assert!(!is_behind(Stamp(9), Stamp::ZERO, Stamp(9)));
        // The room was told 9, and the tables were put back to 5.
        assert!(!is_behind(Stamp(5), Stamp(9), Stamp(9)));
        assert!(is_behind(Stamp(5), Stamp(9), Stamp(10)));
    }

    proptest! {
        /// The same as below, with the pongs of a room that knows its head or has lost it. Between two
        /// commits a till pulls at most once, and after a ping it has what was published to the room.
        #[test]
        fn a_ping_shows_what_frames_did_not_bring(
            events in prop::collection::vec((0..6_u8, any::<prop::sample::Index>()), 0..80),
        ) {
            let (mut room, mut clock, mut head) = (Vec::<(Stamp, Stamp)>::new(), 0, None::<Stamp>);
            let (mut held, mut position) = (BTreeSet::new(), Stamp::ZERO);
            let (mut pulled_for, mut pulls) = (Stamp::ZERO, 0);
            for (what, index) in events {
                match what {
                    0 if !room.is_empty() => room.truncate(index.index(room.len())),
                    0..=2 => {
                        clock += 1;
                        let (prev, stamp) = (room.last().map_or(Stamp::ZERO, |last| last.1), Stamp(clock));
                        room.push((prev, stamp));
                        head = head.max(Some(stamp));
                        pulls = 0;
                        // The frame of every other commit is lost.
                        if what == 1 && follow(position, prev, stamp) == Follow::Apply {
                            held.insert(stamp);
                            position = stamp;
                        }
                    }
                    3 => head = None,
                    _ => {
                        let Some(head) = head else { continue };
                        let is_restored = room.last().is_none_or(|last| last.1 < head);
                        if is_behind(position, pulled_for, head) {
                            held = room.iter().map(|(_, stamp)| *stamp).collect();
                            (position, pulled_for) = (room.last().map_or(Stamp::ZERO, |last| last.1), head);
                            pulls += 1;
                        }
                        prop_assert!(pulls <= 1, "a till pulls again and again");
                        // A till beyond a restored room finds out by the next commit.
                        prop_assert!(is_restored || position >= head);
                    }
                }
            }
        }

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
