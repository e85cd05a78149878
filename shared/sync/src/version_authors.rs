//! Which batches wrote the last versions of a record, and when.
//!
//! A device that edits a record again before its first edit was acknowledged cannot know the version that the
//! first one makes. Its batches are numbered, so the server knows that the second edit follows the first. A
//! client that knows no versions tells the stamp up to which it had seen the room, so the server knows which
//! versions it had seen, and which of the others it wrote itself.

use std::fmt::Write;

use sha2::{Digest, Sha256};

use crate::dead_letter_id::is_replay;
use crate::limits::VERSION_AUTHORS_MAX;
use crate::push::Push;
use protocol::limits::DEVICE_SEQ_DISTANCE_MAX;
use protocol::stamp::Stamp;

/// Bytes of a hash of a device id.
const DEVICE_HASH_BYTES: usize = 8;

/// The authors of a record's last versions, at most [`VERSION_AUTHORS_MAX`] entries in the order of the
/// versions. Versions that an older release wrote may be missing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VersionAuthors(Vec<VersionAuthor>);

/// A version that a device wrote. The oldest entry may have several in a row by batches without a
/// number.
#[derive(Clone, Debug, PartialEq, Eq)]
struct VersionAuthor {
    first: u64,
    last: u64,
    batch: BatchAuthor,
    /// Whether the version created the record; known of numbered batches only.
    creates: bool,
    /// The stamp of the last version; `None` if an older release wrote it.
    stamp: Option<Stamp>,
}

/// The device that pushes a batch, and the number of the batch if the device counts them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BatchAuthor {
    /// The beginning of the SHA-256 of the device's id, in hexadecimal.
    device: String,
    /// The number of the device's batch.
    seq: Option<u64>,
}

impl BatchAuthor {
    /// The batch number `seq` of `author`.
    pub(crate) fn new(author: &str, seq: Option<u64>) -> BatchAuthor {
        let hash = Sha256::digest(author);
        BatchAuthor { device: hex::encode(hash.get(..DEVICE_HASH_BYTES).unwrap_or_default()), seq }
    }

    /// The author of `push`. The device of a dead letter does not know of its replay, which is a batch by
    /// itself.
    pub(crate) fn of(push: &Push) -> BatchAuthor {
        match push.batch.as_ref().filter(|batch| is_replay(batch)) {
            Some(replay) => BatchAuthor::new(replay.as_str(), None),
            None => BatchAuthor::new(push.author().as_str(), push.seq),
        }
    }

    /// Whether `earlier` is an earlier batch of the same installation.
    fn follows(&self, earlier: &BatchAuthor) -> bool {
        let is_earlier = |(own, seq): (u64, u64)| seq < own && own - seq <= DEVICE_SEQ_DISTANCE_MAX;
        self.device == earlier.device && self.seq.zip(earlier.seq).is_some_and(is_earlier)
    }

    /// Whether the device of this batch knows of `other`: it is its own, and no later one as far as they have
    /// numbers.
    fn knows(&self, other: &BatchAuthor) -> bool {
        let are_numbered = self.seq.is_some() && other.seq.is_some();
        self.follows(other) || (self.device == other.device && !are_numbered)
    }
}

impl VersionAuthor {
    /// Whether both are of one device that does not number its batches, with nothing in between.
    fn continues(&self, before: &VersionAuthor) -> bool {
        self.batch == before.batch && self.batch.seq.is_none() && self.first == before.last.saturating_add(1)
    }
}

impl VersionAuthors {
    /// Notes that `batch` wrote `version` at `stamp`.
    pub(crate) fn note(&mut self, version: u64, batch: &BatchAuthor, stamp: Stamp, creates: bool) {
        let creates = creates && batch.seq.is_some();
        let (batch, stamp) = (batch.clone(), Some(stamp));
        self.0.push(VersionAuthor { first: version, last: version, batch, creates, stamp });
        while self.0.len() > VERSION_AUTHORS_MAX {
            let oldest = self.0.remove(0);
            if let Some(next) = self.0.first_mut().filter(|next| next.continues(&oldest)) {
                next.first = oldest.first;
            }
        }
    }

    /// Whether an earlier batch of the same device wrote `version`, as their numbers show.
    pub(crate) fn is_own(&self, version: u64, batch: &BatchAuthor) -> bool {
        self.own(batch).any(|author| author.last == version)
    }

    /// Whether earlier batches of the same device wrote every version after `base` up to `current`, as their
    /// numbers show. A `base` of 0 stands for the creation of the record.
    pub(crate) fn are_own(&self, base: u64, current: u64, batch: &BatchAuthor) -> bool {
        let creation = self.own(batch).filter(|author| author.creates).map(|author| author.last).max();
        let from = if base == 0 { creation } else { Some(base.saturating_add(1)) };
        from.is_some_and(|from| {
            let versions = current.saturating_add(1).saturating_sub(from);
            versions <= VERSION_AUTHORS_MAX as u64
                && (from..=current).all(|version| self.is_own(version, batch))
        })
    }

    fn own<'a>(&'a self, batch: &'a BatchAuthor) -> impl Iterator<Item = &'a VersionAuthor> {
        self.0.iter().filter(|author| batch.follows(&author.batch))
    }

    /// The last version that is known to have been written until `stamp`; 0 if there is none.
    pub(crate) fn last_until(&self, stamp: Stamp) -> u64 {
        let until = |author: &&VersionAuthor| author.stamp.is_some_and(|written| written <= stamp);
        self.0.iter().rev().find(until).map_or(0, |author| author.last)
    }

    /// Whether the device of `batch` wrote `version`, with no later batch.
    pub(crate) fn is_by(&self, version: u64, batch: &BatchAuthor) -> bool {
        let of_version = |author: &&VersionAuthor| (author.first..=author.last).contains(&version);
        self.0.iter().find(of_version).is_some_and(|author| batch.knows(&author.batch))
    }

    /// Whether the device of `batch` wrote every version after `base` up to `last`, with no later batch.
    pub(crate) fn are_by(&self, base: u64, last: u64, batch: &BatchAuthor) -> bool {
        let mut left = last;
        for author in self.0.iter().rev().skip_while(|author| author.first > last) {
            if left > base {
                if author.last < left || !batch.knows(&author.batch) {
                    return false;
                }
                left = author.first.saturating_sub(1);
            }
        }
        left <= base
    }

    /// Whether nothing is known.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// As text, separated by commas: `3.9f86d081884c7d65.12.1765103401000123` for version 3 by batch 12 at
    /// that stamp, with a `c` after the number if it created the record;
    /// `9.9f86d081884c7d65.-5.1765103401000123` for the versions 5 to 9 by batches without a number. Releases
    /// before stamps were noted read the first form, and leave the second out.
    pub fn to_text(&self) -> String {
        let mut text = String::new();
        for VersionAuthor { first, last, batch: BatchAuthor { device, seq }, creates, stamp } in &self.0 {
            let comma = if text.is_empty() { "" } else { "," };
            // Writing to a string does not fail.
            let _ = write!(text, "{comma}{last}.{device}.");
            let _ = match seq {
                Some(seq) => write!(text, "{seq}{}", if *creates { "c" } else { "" }),
                None => write!(text, "-{first}"),
            };
            if let Some(stamp) = stamp {
                let _ = write!(text, ".{}", stamp.0);
            }
        }
        text
    }

    /// Reads the text. What cannot be read is left out: the edit is a conflict then, and none is lost.
    pub fn parse(text: &str) -> VersionAuthors {
        let author = |text: &str| {
            let mut parts = text.split('.');
            let (last, device, batch) = (parts.next()?.parse().ok()?, parts.next()?, parts.next()?);
            let stamp = parts.next().map(str::parse).transpose().ok()?.map(Stamp);
            let creates = batch.ends_with('c');
            let (first, seq) = match batch.strip_prefix('-') {
                Some(first) => (first.parse().ok()?, None),
                None => (last, Some(batch.strip_suffix('c').unwrap_or(batch).parse().ok()?)),
            };
            let batch = BatchAuthor { device: device.to_owned(), seq };
            Some(VersionAuthor { first, last, batch, creates, stamp })
        };
        VersionAuthors(text.split(',').filter_map(author).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn batch(device: &str, seq: impl Into<Option<u64>>) -> BatchAuthor {
        BatchAuthor::new(device, seq.into())
    }

    /// Versions from 1 on by these batches, each stamped ten times its version.
    fn authors(batches: &[BatchAuthor]) -> VersionAuthors {
        let mut authors = VersionAuthors::default();
        for (version, batch) in (1..).zip(batches) {
            authors.note(version, batch, Stamp(version * 10), version == 1);
        }
        authors
    }

    #[test]
    fn only_earlier_batches_of_the_device_are_own() {
        let own = authors(&[batch("a", 4), batch("a", 6)]);
        assert!(own.are_own(1, 2, &batch("a", 7)) && own.are_own(0, 2, &batch("a", 7)));
        assert!(!own.are_own(1, 2, &batch("a", 6)), "not the batch itself");
        assert!(!own.are_own(1, 2, &batch("a", None)), "nor a batch without a number");
        assert!(own.are_own(1, 2, &batch("a", 6 + DEVICE_SEQ_DISTANCE_MAX)));
        assert!(!own.are_own(1, 2, &batch("a", 7 + DEVICE_SEQ_DISTANCE_MAX)), "another installation");
        assert!(!own.are_own(1, 2, &batch("b", 7)) && !own.are_own(1, 3, &batch("a", 7)));
        let mixed = authors(&[batch("a", 4), batch("a", 6), batch("b", 1), batch("a", 8)]);
        assert!(!mixed.are_own(1, 4, &batch("a", 9)) && mixed.are_own(3, 4, &batch("a", 9)));
        assert!(mixed.is_own(2, &batch("a", 9)) && !mixed.is_own(3, &batch("a", 9)));
    }

    #[test]
    fn a_device_knows_its_own_versions_but_not_those_of_later_batches() {
        let (a, b) = (batch("a", None), batch("b", None));
        let authors = authors(&[b.clone(), a.clone(), batch("a", 5), a.clone(), b, a.clone()]);
        assert!(authors.are_by(1, 4, &a) && authors.are_by(5, 6, &a) && authors.are_by(6, 6, &a));
        assert!(!authors.are_by(0, 4, &a) && !authors.are_by(1, 5, &a) && !authors.are_by(4, 6, &a));
        assert!(!authors.are_by(6, 7, &a), "nothing is known of version 7");
        assert!(authors.are_by(1, 4, &batch("a", 6)) && !authors.are_by(1, 4, &batch("a", 5)));
        assert!(authors.is_by(3, &batch("a", 6)) && !authors.is_by(3, &batch("a", 5)));
        assert!(authors.is_by(2, &batch("a", 5)) && !authors.is_by(1, &a) && !authors.is_by(7, &a));
    }

    #[test]
    fn a_stamp_tells_the_last_version_that_was_written_until_then() {
        let authors = authors(&[batch("a", None), batch("a", None), batch("b", 1), batch("b", 2)]);
        let until = |stamp| authors.last_until(Stamp(stamp));
        assert_eq!([9, 19, 20, 29, 30, 39, 40, 99].map(until), [0, 1, 2, 2, 3, 3, 4, 4]);
        let unstamped = VersionAuthors::parse("3.9f86d081884c7d65.12,4.9f86d081884c7d65.13.40");
        assert_eq!((unstamped.last_until(Stamp(39)), unstamped.last_until(Stamp(40))), (0, 4));
    }

    #[test]
    fn the_last_versions_are_kept_and_their_text_is_pinned() {
        let last = VERSION_AUTHORS_MAX as u64 + 1;
        let all: Vec<BatchAuthor> = (1..=last).map(|version| batch("till-1", version + 10)).collect();
        let all = authors(&all);
        let later = batch("till-1", 99);
        assert!(!all.is_own(1, &later) && all.is_own(2, &later));
        assert!(all.are_own(1, last, &later) && !all.are_own(0, last, &later));
        assert!(!all.are_own(1, u64::MAX, &later) && !all.are_by(0, last, &later));
        let one = authors(&[batch("test", 12), batch("test", None), batch("test", None)]);
        assert_eq!(
            one.to_text(),
            "1.9f86d081884c7d65.12c.10,2.9f86d081884c7d65.-2.20,3.9f86d081884c7d65.-3.30"
        );
        for bad in ["", ",", "x", "3.ab", "3.ab.c", "3.ab.x,4.cd", "3.ab.-x", "3.ab.4.y"] {
            assert!(VersionAuthors::parse(bad).is_empty(), "{bad}");
        }
        let old = "3.9f86d081884c7d65.12c";
        assert_eq!(VersionAuthors::parse(old).to_text(), old, "of a release before stamps were noted");
    }

    fn any_batch() -> impl Strategy<Value = BatchAuthor> {
        ("[a-c]", prop::option::of(1..6_u64)).prop_map(|(device, seq)| batch(&device, seq))
    }

    proptest! {
        /// What the list says is true of the whole history, and all of a short history is known.
        #[test]
        fn the_list_agrees_with_the_history(
            history in prop::collection::vec(any_batch(), 1..20),
            asks in any_batch(),
            base in 0..20_u64,
            stamp in 0..220_u64,
        ) {
            let authors = authors(&history);
            prop_assert_eq!(&VersionAuthors::parse(&authors.to_text()), &authors);
            let last = history.len() as u64;
            let knows = |version: u64| asks.knows(&history[usize::try_from(version).unwrap() - 1]);
            let is_true = (base + 1..=last).all(knows);
            let short = history.len() <= VERSION_AUTHORS_MAX;
            prop_assert!(!authors.are_by(base, last, &asks) || is_true);
            prop_assert!(!short || !is_true || authors.are_by(base, last, &asks));
            for version in 1..=last {
                prop_assert!(!authors.is_by(version, &asks) || knows(version));
                prop_assert!(!short || authors.is_by(version, &asks) == knows(version));
            }
            prop_assert!(authors.last_until(Stamp(stamp)) <= stamp / 10);
        }

        /// A device that writes alone is known however often it writes.
        #[test]
        fn any_number_of_versions_of_one_device_is_known(before in 1..9_usize, count in 1..200_usize) {
            let alone = batch("a", None);
            let history = [vec![batch("b", None); before], vec![alone.clone(); count]].concat();
            prop_assert!(authors(&history).are_by(before as u64, history.len() as u64, &alone));
        }
    }
}
