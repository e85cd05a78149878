//! The numbers of the batches that a room holds of a device: which of its numbered batches were committed.
//!
//! A commit notes the number of its batch in its own transaction, so what is noted is held. So a device can
//! prove that the server has everything, and a batch whose marker has expired is not applied a second time.

use crate::limits::{DEVICE_MARK_SECS, DEVICE_MARKS_MAX, DEVICE_RANGES_MAX};
use protocol::ids::DeviceId;
use protocol::timestamp::Timestamp;
use protocol::wire::device::{self, DeviceResponse};

/// The numbers of a device's batches that the room holds. Only batches with a `batch_id` count.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeviceBatches {
    /// Numbers without a hole, the range that changed last first; at most [`DEVICE_RANGES_MAX`].
    pub ranges: Vec<NumberRange>,
    /// Up to which number batches were held at some earlier times, the oldest first.
    pub marks: Vec<NumberMark>,
    /// Whether the device gave a number to two batches, so that its numbers prove nothing.
    pub reused: bool,
    /// When a number was noted last; `None` before the first.
    pub noted_at: Option<Timestamp>,
    /// Counts the writes of the item; 0 before the first.
    pub revision: u64,
}

/// Numbers from `first` to `last`, without a hole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NumberRange {
    /// The first number.
    pub first: u64,
    /// The last number.
    pub last: u64,
}

/// Every number that was held at a moment is at most `number`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NumberMark {
    /// The number.
    pub number: u64,
    /// The moment.
    pub at: Timestamp,
}

/// What the numbers tell of a batch without a marker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HeldNumber {
    /// Its number is not held, or the numbers of its device prove nothing.
    No,
    /// Its number was noted so lately that its marker would still exist: it is another batch's.
    OfAnother,
    /// Its number is held, and its marker may have expired: it may have been applied.
    MayBeItself,
}

/// The answer about `device`, of which the room holds `batches`.
pub fn response(device: DeviceId, batches: Option<&DeviceBatches>) -> DeviceResponse {
    let range = |&NumberRange { first, last }: &NumberRange| device::NumberRange { first, last };
    DeviceResponse {
        device_id: device,
        batches: batches.iter().flat_map(|batches| &batches.ranges).map(range).collect(),
        last_batch_at: batches.and_then(|batches| batches.noted_at).map(|at| at.to_string()),
        numbers_reused: batches.is_some_and(|batches| batches.reused),
    }
}

impl DeviceBatches {
    /// What the numbers tell of a batch number `seq` without a marker; markers since `since` still exist.
    pub(crate) fn held(&self, seq: u64, since: Timestamp) -> HeldNumber {
        let is_held = self.ranges.iter().any(|range| (range.first..=range.last).contains(&seq));
        let is_recent = self.marks.iter().any(|mark| mark.at >= since && seq > mark.number);
        match (is_held && !self.reused, is_recent) {
            (false, _) => HeldNumber::No,
            (true, true) => HeldNumber::OfAnother,
            (true, false) => HeldNumber::MayBeItself,
        }
    }

    /// The numbers after the commit of batch number `seq` at `now`; `None` if they stay.
    pub(crate) fn after(&self, seq: u64, since: Timestamp, now: Timestamp) -> Option<DeviceBatches> {
        match self.held(seq, since) {
            HeldNumber::MayBeItself => None,
            HeldNumber::OfAnother => Some(DeviceBatches { reused: true, ..self.clone() }),
            HeldNumber::No if self.reused => None,
            HeldNumber::No => {
                let mut next = self.clone();
                next.mark(now);
                next.add(seq);
                next.noted_at = Some(now);
                Some(next)
            }
        }
    }

    /// Marks what is held before a number is added, from time to time.
    fn mark(&mut self, now: Timestamp) {
        if self.marks.last().is_some_and(|mark| now < mark.at.plus_secs(DEVICE_MARK_SECS)) {
            return;
        }
        let held = self.ranges.iter().map(|range| range.last);
        let number = held.chain(self.marks.last().map(|mark| mark.number)).max().unwrap_or(0);
        self.marks.push(NumberMark { number, at: now });
        let surplus = self.marks.len().saturating_sub(DEVICE_MARKS_MAX);
        self.marks.drain(..surplus);
    }

    /// Adds a number that is not held.
    fn add(&mut self, seq: u64) {
        let mut range = NumberRange { first: seq, last: seq };
        self.ranges.retain(|known| {
            let is_before = known.last.checked_add(1) == Some(seq);
            let is_after = seq.checked_add(1) == Some(known.first);
            range.first = if is_before { known.first } else { range.first };
            range.last = if is_after { known.last } else { range.last };
            !is_before && !is_after
        });
        self.ranges.insert(0, range);
        self.ranges.truncate(DEVICE_RANGES_MAX);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use proptest::prelude::*;
    use protocol::timestamp::DAY_SECS;

    use super::*;

    fn day(days: u64) -> Timestamp {
        Timestamp(1_765_103_400_000_000).plus_secs(days * DAY_SECS)
    }

    fn after(numbers: &[u64]) -> DeviceBatches {
        numbers.iter().fold(DeviceBatches::default(), |held, seq| held.after(*seq, day(0), day(0)).unwrap())
    }

    fn ranges(held: &DeviceBatches) -> Vec<(u64, u64)> {
        held.ranges.iter().map(|range| (range.first, range.last)).collect()
    }

    #[test]
    fn a_hole_divides_the_numbers_until_it_is_filled() {
        assert_eq!(ranges(&after(&[7, 8, 9])), [(7, 9)]);
        assert_eq!(ranges(&after(&[7, 9, 10])), [(9, 10), (7, 7)]);
        assert_eq!(ranges(&after(&[7, 9, 10, 8])), [(7, 10)]);
        assert_eq!(ranges(&after(&[0, u64::MAX, 1])), [(0, 1), (u64::MAX, u64::MAX)]);
    }

    #[test]
    fn the_ranges_that_changed_last_are_kept() {
        let odd: Vec<u64> = (0..=DEVICE_RANGES_MAX as u64).map(|n| 2 * n + 1).collect();
        let held = after(&odd);
        assert_eq!(held.ranges.len(), DEVICE_RANGES_MAX);
        assert_eq!((held.held(1, day(0)), held.ranges[0].first), (HeldNumber::No, odd[DEVICE_RANGES_MAX]));
    }

    #[test]
    fn a_number_of_two_batches_proves_nothing_any_more() {
        let held = after(&[7, 8]);
        assert_eq!(held.held(8, day(0)), HeldNumber::OfAnother);
        let reused = held.after(8, day(0), day(1)).unwrap();
        assert!(reused.reused && reused.held(8, day(9)) == HeldNumber::No);
        assert_eq!(reused.after(9, day(0), day(1)), None);
        // Once the marker may have expired, it may be the same batch.
        assert_eq!(held.held(8, day(1)), HeldNumber::MayBeItself);
        assert_eq!(held.after(8, day(1), day(91)), None);
    }

    proptest! {
        /// Against the whole history: nothing is held that was not committed, and a number is another batch's
        /// only if it was committed since markers exist.
        #[test]
        fn what_is_held_was_committed(steps in prop::collection::vec((0..40_u64, 0..30_u64), 1..80), asked in 0..40_u64) {
            let (mut held, mut now, mut committed) = (DeviceBatches::default(), 0, BTreeMap::new());
            let mut was_full = false;
            for (seq, days) in steps {
                now += days;
                let since = now.saturating_sub(90);
                let seen = held.held(seq, day(since));
                match committed.get(&seq) {
                    // The device sends a batch that it has sent before; one with a marker is not decided.
                    Some(at) if *at >= since => continue,
                    Some(_) => prop_assert!(seen != HeldNumber::OfAnother),
                    None => prop_assert_eq!(seen, HeldNumber::No),
                }
                committed.entry(seq).or_insert(now);
                held = held.after(seq, day(since), day(now)).unwrap_or(held);
                was_full |= held.ranges.len() == DEVICE_RANGES_MAX;
                prop_assert!(!held.reused && held.marks.len() <= DEVICE_MARKS_MAX);
            }
            let numbers: Vec<u64> = held.ranges.iter().flat_map(|range| range.first..=range.last).collect();
            prop_assert!(numbers.iter().all(|number| committed.contains_key(number)));
            prop_assert_eq!(numbers.iter().collect::<BTreeSet<_>>().len(), numbers.len());
            if !was_full {
                prop_assert!(committed.keys().all(|number| numbers.contains(number)));
            }
            let since = now.saturating_sub(90);
            if held.held(asked, day(since)) == HeldNumber::OfAnother {
                prop_assert!(committed[&asked] >= since);
            }
        }
    }
}
