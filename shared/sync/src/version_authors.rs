//! Which batches wrote the last versions of a record.
//!
//! A device that edits a record again before its first edit was acknowledged cannot know the version that the
//! first one makes. Its batches are numbered, so the server knows that the second edit follows the first.

use std::fmt::Write;

use sha2::{Digest, Sha256};

use crate::limits::VERSION_AUTHORS_MAX;
use protocol::ids::DeviceId;
use protocol::limits::DEVICE_SEQ_DISTANCE_MAX;

/// Bytes of a hash of a device id.
const DEVICE_HASH_BYTES: usize = 8;

/// The authors of a record's last versions, at most [`VERSION_AUTHORS_MAX`]. Versions by batches without a
/// number are missing, and so are those that an older release wrote.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VersionAuthors(Vec<VersionAuthor>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct VersionAuthor {
    version: u64,
    batch: NumberedBatch,
    /// Whether the version created the record.
    creates: bool,
}

/// A batch of a device that counts its batches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NumberedBatch {
    /// The beginning of the SHA-256 of the device's id, in hexadecimal.
    device: String,
    /// The number of the device's batch.
    seq: u64,
}

impl NumberedBatch {
    /// The batch number `seq` of `device`.
    pub(crate) fn new(device: &DeviceId, seq: u64) -> NumberedBatch {
        let hash = Sha256::digest(device.as_str());
        NumberedBatch { device: hex::encode(hash.get(..DEVICE_HASH_BYTES).unwrap_or_default()), seq }
    }
}

impl VersionAuthors {
    /// Notes that `batch` wrote `version`.
    pub(crate) fn note(&mut self, version: u64, batch: &NumberedBatch, creates: bool) {
        self.0.push(VersionAuthor { version, batch: batch.clone(), creates });
        let surplus = self.0.len().saturating_sub(VERSION_AUTHORS_MAX);
        self.0.drain(..surplus);
    }

    /// Whether an earlier batch of the same device wrote `version`.
    pub(crate) fn is_own(&self, version: u64, batch: &NumberedBatch) -> bool {
        self.own(batch).any(|author| author.version == version)
    }

    /// Whether earlier batches of the same device wrote every version after `base` up to `current`. A `base`
    /// of 0 stands for the creation of the record.
    pub(crate) fn are_own(&self, base: u64, current: u64, batch: &NumberedBatch) -> bool {
        let creation = self.own(batch).filter(|author| author.creates).map(|author| author.version).max();
        let from = if base == 0 { creation } else { Some(base.saturating_add(1)) };
        from.is_some_and(|from| {
            let versions = current.saturating_add(1).saturating_sub(from);
            versions <= VERSION_AUTHORS_MAX as u64
                && (from..=current).all(|version| self.is_own(version, batch))
        })
    }

    fn own<'a>(&'a self, batch: &'a NumberedBatch) -> impl Iterator<Item = &'a VersionAuthor> {
        let is_earlier = |seq: u64| seq < batch.seq && batch.seq.abs_diff(seq) <= DEVICE_SEQ_DISTANCE_MAX;
        let is_own = move |by: &NumberedBatch| by.device == batch.device && is_earlier(by.seq);
        self.0.iter().filter(move |author| is_own(&author.batch))
    }

    /// Whether nothing is known.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// As text: `3.9f86d081884c7d65.12` for version 3 by batch 12, with a `c` at its end if it created the
    /// record; separated by commas.
    pub fn to_text(&self) -> String {
        let mut text = String::new();
        for VersionAuthor { version, batch: NumberedBatch { device, seq }, creates } in &self.0 {
            let (comma, creates) = (if text.is_empty() { "" } else { "," }, if *creates { "c" } else { "" });
            // Writing to a string does not fail.
            let _ = write!(text, "{comma}{version}.{device}.{seq}{creates}");
        }
        text
    }

    /// Reads the text. What cannot be read is left out: the edit is a conflict then, and none is lost.
    pub fn parse(text: &str) -> VersionAuthors {
        let author = |text: &str| {
            let mut parts = text.split('.');
            let (version, device, seq) = (parts.next()?.parse().ok()?, parts.next()?, parts.next()?);
            let creates = seq.ends_with('c');
            let seq = seq.strip_suffix('c').unwrap_or(seq).parse().ok()?;
            Some(VersionAuthor { version, batch: NumberedBatch { device: device.to_owned(), seq }, creates })
        };
        VersionAuthors(text.split(',').filter_map(author).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(device: &str, seq: u64) -> NumberedBatch {
        NumberedBatch::new(&device.parse().unwrap(), seq)
    }

    #[test]
    fn only_earlier_batches_of_the_device_are_own() {
        let mut authors = VersionAuthors::default();
        authors.note(1, &batch("a", 4), true);
        authors.note(2, &batch("a", 6), false);
        assert!(authors.are_own(1, 2, &batch("a", 7)) && authors.are_own(0, 2, &batch("a", 7)));
        assert!(!authors.are_own(1, 2, &batch("a", 6)), "not the batch itself");
        assert!(authors.are_own(1, 2, &batch("a", 6 + DEVICE_SEQ_DISTANCE_MAX)));
        assert!(!authors.are_own(1, 2, &batch("a", 7 + DEVICE_SEQ_DISTANCE_MAX)), "another installation");
        assert!(!authors.are_own(1, 2, &batch("b", 7)) && !authors.are_own(1, 3, &batch("a", 7)));
        authors.note(3, &batch("b", 1), false);
        authors.note(4, &batch("a", 8), false);
        assert!(!authors.are_own(1, 4, &batch("a", 9)) && authors.are_own(3, 4, &batch("a", 9)));
        assert!(authors.is_own(2, &batch("a", 9)) && !authors.is_own(3, &batch("a", 9)));
    }

    #[test]
    fn the_last_versions_are_kept_and_their_text_is_pinned() {
        let mut authors = VersionAuthors::default();
        for version in 1..=VERSION_AUTHORS_MAX as u64 + 1 {
            authors.note(version, &batch("till-1", version + 10), version == 1);
        }
        assert!(!authors.is_own(1, &batch("till-1", 99)) && authors.is_own(2, &batch("till-1", 99)));
        let last = VERSION_AUTHORS_MAX as u64 + 1;
        assert!(
            authors.are_own(1, last, &batch("till-1", 99)) && !authors.are_own(0, last, &batch("till-1", 99))
        );
        assert!(!authors.are_own(1, u64::MAX, &batch("till-1", 99)));
        assert_eq!(VersionAuthors::parse(&authors.to_text()), authors);
        let mut one = VersionAuthors::default();
        one.note(3, &batch("test", 12), true);
        assert_eq!(one.to_text(), "3.9f86d081884c7d65.12c");
        for bad in ["", ",", "x", "3.ab", "3.ab.c", "3.ab.x,4.cd"] {
            assert!(VersionAuthors::parse(bad).is_empty(), "{bad}");
        }
    }
}
