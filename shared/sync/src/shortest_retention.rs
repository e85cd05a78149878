//! What a room has certainly not forgotten: markers and tombstones expire, and settings change.

use crate::limits::{MARKER_RETENTION_SECS, TOMBSTONE_RETENTION_SECS};
use crate::rules::Retention;
use crate::snapshot::Head;
use protocol::limits::CLOCK_AHEAD_MICROS_MAX;
use protocol::stamp::Stamp;
use protocol::timestamp::Timestamp;

/// Microseconds by which two clocks may differ unnoticed: a device may be ahead of a function, and a function
/// of DynamoDB, which deletes expired items.
pub const CLOCKS_DIFFER_MICROS_MAX: u64 = 2 * CLOCK_AHEAD_MICROS_MAX;

/// The shortest retention that a room ever had, and what it applies to. A longer retention of today does not
/// bring back what a shorter one of earlier has forgotten.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShortestRetention {
    /// Seconds for which every tombstone of the room was kept.
    pub tombstone_secs: u64,
    /// Seconds for which every batch marker of the room was kept.
    pub marker_secs: u64,
    /// The first stamp of the room.
    pub first_commit: Stamp,
    /// The stamp of the room's first tombstone.
    pub first_tombstone: Option<Stamp>,
    /// The stamp of the HEAD that it is stored in.
    pub as_of: Stamp,
    /// Whether it was read from a HEAD: a commit then sets its members one by one, and keeps those of a newer
    /// release.
    pub is_stored: bool,
}

impl ShortestRetention {
    /// What a room at `head` remembers, whose next commit has `retention` and begins with `next`.
    pub fn of(head: Option<&Head>, retention: Retention, next: Stamp) -> ShortestRetention {
        let now = ShortestRetention {
            tombstone_secs: retention.tombstone_secs(),
            marker_secs: retention.marker_secs(),
            first_commit: next,
            first_tombstone: None,
            as_of: Stamp::ZERO,
            is_stored: false,
        };
        let stored = |head: &Head| {
            let kept = head.shortest_retention.unwrap_or(ShortestRetention::UNKNOWN);
            // A release that does not know of it has moved HEAD since then, perhaps by a deletion.
            let unseen = (kept.as_of != head.stamp).then_some(kept.as_of);
            ShortestRetention { first_tombstone: kept.first_tombstone.or(unseen), ..kept }
        };
        head.map(stored).map_or(now, |stored| ShortestRetention {
            tombstone_secs: stored.tombstone_secs.min(now.tombstone_secs),
            marker_secs: stored.marker_secs.min(now.marker_secs),
            ..stored
        })
    }

    /// Of a HEAD from before rooms stored it: anything may be forgotten, after the retention of that time.
    const UNKNOWN: ShortestRetention = ShortestRetention {
        tombstone_secs: TOMBSTONE_RETENTION_SECS,
        marker_secs: MARKER_RETENTION_SECS,
        first_commit: Stamp::ZERO,
        first_tombstone: Some(Stamp::ZERO),
        as_of: Stamp::ZERO,
        is_stored: false,
    };

    /// The time since which no tombstone has expired at `now`.
    pub fn tombstones_since(&self, now: Timestamp) -> Timestamp {
        since(now, self.tombstone_secs)
    }

    /// Whether the room may have forgotten a tombstone at `now`.
    pub fn may_lack_tombstones(&self, now: Timestamp) -> bool {
        self.first_tombstone.is_some_and(|first| first.time() < self.tombstones_since(now))
    }

    /// The time since which a batch of the room, applied once, is recognised when it comes again at `now`.
    /// Only batches with an id have markers; without one, a tombstone at least shows what was deleted since.
    pub fn batches_since(&self, now: Timestamp, named: bool) -> Timestamp {
        since(now, if named { self.marker_secs } else { self.marker_secs.min(self.tombstone_secs) })
    }

    /// Whether the room may have forgotten at `now` that it applied a batch made at `made`.
    pub fn may_lack_batch(&self, made: Timestamp, now: Timestamp, named: bool) -> bool {
        let since = self.batches_since(now, named);
        made < since && self.first_commit.time() < since
    }
}

fn since(now: Timestamp, kept_secs: u64) -> Timestamp {
    let kept = kept_secs.saturating_mul(1_000_000).saturating_sub(CLOCKS_DIFFER_MICROS_MAX);
    Timestamp(now.0.saturating_sub(kept))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use protocol::timestamp::DAY_SECS;

    const NOW: Timestamp = Timestamp(1_765_103_400_000_000);

    fn retention(days: u64) -> Retention {
        Retention::new(DAY_SECS, days * DAY_SECS, days * DAY_SECS).unwrap()
    }

    fn head(shortest_retention: Option<ShortestRetention>) -> Head {
        Head { stamp: Stamp(5), shortest_retention, ..Head::default() }
    }

    #[test]
    fn a_new_room_remembers_everything() {
        let new = ShortestRetention::of(None, retention(2), Stamp(NOW.0));
        assert!(!new.may_lack_tombstones(NOW.plus_secs(900 * DAY_SECS)), "it has none");
        assert!(!new.may_lack_batch(Timestamp(0), NOW, true));
        assert!(!new.may_lack_batch(Timestamp(0), NOW.plus_secs(DAY_SECS), true));
        assert!(new.may_lack_batch(Timestamp(0), NOW.plus_secs(2 * DAY_SECS), true));
    }

    #[test]
    fn a_room_from_before_may_have_forgotten_anything_after_ninety_days() {
        let old = ShortestRetention::of(Some(&head(None)), retention(900), Stamp(NOW.0));
        assert!(old.may_lack_tombstones(NOW));
        let ninety = Timestamp(NOW.0 - TOMBSTONE_RETENTION_SECS * 1_000_000 + CLOCKS_DIFFER_MICROS_MAX);
        assert_eq!((old.tombstones_since(NOW), old.batches_since(NOW, true)), (ninety, ninety));
    }

    #[test]
    fn a_release_that_does_not_know_of_it_may_have_deleted_something() {
        let new =
            ShortestRetention { as_of: Stamp(5), ..ShortestRetention::of(None, retention(2), Stamp(3)) };
        let of = |stamp, kept| {
            let head = Head { stamp: Stamp(stamp), ..head(Some(kept)) };
            ShortestRetention::of(Some(&head), retention(2), Stamp(NOW.0))
        };
        assert_eq!(of(5, new), new);
        assert_eq!(of(6, new).first_tombstone, Some(Stamp(5)));
        let earlier = ShortestRetention { first_tombstone: Some(Stamp(4)), ..new };
        assert_eq!(of(6, earlier), earlier);
    }

    proptest! {
        /// The room's bound is never earlier than that of the shortest setting, in whatever order they come.
        #[test]
        fn no_setting_brings_back_what_an_earlier_one_forgot(days in prop::collection::vec(2..900_u64, 1..8)) {
            let mut known = None;
            for days in &days {
                let head = known.map(|known| head(Some(known)));
                known = Some(ShortestRetention::of(head.as_ref(), retention(*days), Stamp(NOW.0)));
            }
            let shortest = days.iter().min().unwrap() * DAY_SECS;
            let known = known.unwrap();
            prop_assert_eq!((known.tombstone_secs, known.marker_secs), (shortest, shortest));
            let now = NOW.plus_secs(1000 * DAY_SECS);
            prop_assert!(known.tombstones_since(now).plus_secs(shortest) > now);
        }
    }
}
