//! What a write without `base_version` knows of its record: its device had seen every change of the room up
//! to the `base_stamp` of the batch.

use super::Batch;
use crate::push::Write;
use crate::record::Record;
use crate::version_authors::BatchAuthor;
use protocol::stamp::Stamp;

/// What a device had seen of a live record when it wrote to it.
#[derive(Clone, Copy, Debug)]
pub(super) enum Seen<'a> {
    /// The record is new: an earlier write of the same batch made it.
    New,
    /// The record as it was read, and the last version of it that the device is known to have seen.
    UpTo(&'a Record, u64),
    /// Nothing that is known: the stamp lies beyond the room's last change, so the device saw a history that
    /// the room does not have.
    Beyond,
}

impl<'a> Seen<'a> {
    /// The record as it was read, without the earlier writes of the batch.
    pub(super) fn read(self) -> Option<&'a Record> {
        match self {
            Seen::UpTo(read, _) => Some(read),
            Seen::New | Seen::Beyond => None,
        }
    }

    /// The last version that the device is known to have seen; 0 if there is none.
    pub(super) fn base(self) -> u64 {
        match self {
            Seen::UpTo(_, base) => base,
            Seen::New | Seen::Beyond => 0,
        }
    }

    /// Whether a write of `batch` follows the record: its device has seen or written every version.
    pub(super) fn is_followed_by(self, batch: &BatchAuthor) -> bool {
        match self {
            Seen::New => true,
            Seen::UpTo(read, _) => self.knows_all(read.version, batch),
            Seen::Beyond => false,
        }
    }

    /// Whether the device of `batch` has seen or written all versions up to `last`.
    pub(super) fn knows_all(self, last: u64, batch: &BatchAuthor) -> bool {
        let Seen::UpTo(read, base) = self else { return false };
        last <= base || (last <= read.version && read.authors.are_by(base, last, batch))
    }

    /// Whether the device of `batch` has seen or written `version`; the batch itself wrote what was not read.
    pub(super) fn knows(self, version: u64, batch: &BatchAuthor) -> bool {
        let Seen::UpTo(read, base) = self else { return false };
        version <= base || version > read.version || read.authors.is_by(version, batch)
    }
}

impl Batch<'_> {
    /// What the device of `write`, which names no version, had seen of the record; `None` if it does not say.
    pub(super) fn seen(&self, write: &Write) -> Option<Seen<'_>> {
        self.push.base_stamp.filter(|_| write.base.is_none())?;
        let Some(read) = self.snapshot.records.get(&write.key).filter(|read| !read.deleted) else {
            return Some(Seen::New);
        };
        Some(match self.believed_base_stamp() {
            Some(stamp) if read.stamp <= stamp => Seen::UpTo(read, read.version),
            Some(stamp) => Seen::UpTo(read, read.authors.last_until(stamp)),
            None => Seen::Beyond,
        })
    }

    /// The stamp up to which the device had seen the room, unless the room has not come so far.
    pub(super) fn believed_base_stamp(&self) -> Option<Stamp> {
        self.push.base_stamp.filter(|stamp| *stamp <= self.snapshot.stamp())
    }

    /// Whether the record of a write that the server lacks may have been deleted and forgotten since its
    /// device saw the room. A device that has seen nothing can only create, and one that has seen all misses
    /// nothing.
    pub(super) fn may_have_missed_deletion(&self) -> bool {
        let missed = Stamp::ZERO.plus(1)..self.snapshot.stamp();
        let stamp = self.push.base_stamp.filter(|stamp| missed.contains(stamp));
        stamp.is_some_and(|stamp| {
            self.shortest_retention.may_lack_tombstones(self.now) && stamp.time() < self.tombstones_since()
        })
    }
}
