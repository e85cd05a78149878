//! Head office's position: one position per branch of its client.

use std::collections::BTreeMap;

use aes_siv::siv::IV_SIZE;
use config::KEY_ID_BYTES_MAX;
use sha2::{Digest, Sha256};

use super::seal::{NotOpened, Sealed};
use super::walk::{WALK_HEAD_BYTES, Walk};
use crate::limits::{CURSOR_BYTES_MAX, CURSOR_KEY_BYTES_MAX};
use crate::tables::digest::{TABLES_DIGEST_BYTES, TablesDigest};
use protocol::ids::BranchId;
use protocol::limits::HEAD_OFFICE_BRANCHES_MAX;
use protocol::stamp::Stamp;
use protocol::timestamp::Timestamp;

const TAG_BYTES: usize = 6;
/// Bytes of a stamp or a time.
pub(super) const STAMP_BYTES: usize = 7;
/// The bit of a place that marks a time. Stamps are below 2^53, so the bit is free.
const TIME: u64 = 1 << 55;
/// The place of [`BranchPosition::Reset`]: a position beyond every stamp.
const RESET: u64 = TIME - 1;

/// A branch inside a cursor: the first 6 bytes of the SHA-256 of its id, because 200 ids of 64 bytes would
/// not fit a URL.
///
/// Two of 200 branches share a tag for about one client in ten billion.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tag([u8; TAG_BYTES]);

impl Tag {
    /// The tag of `branch`.
    pub fn of(branch: &BranchId) -> Tag {
        let mut tag = [0; TAG_BYTES];
        tag.iter_mut().zip(Sha256::digest(branch.as_str())).for_each(|(to, from)| *to = from);
        Tag(tag)
    }
}

/// The position of one branch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BranchPosition {
    /// After the change with this stamp.
    Position(Stamp),
    /// At a time that the caller chose; nothing of this branch was returned yet.
    Time(Timestamp),
    /// Only a snapshot continues: the reader's tables have changed, or its snapshot was lost.
    Reset,
}

/// The positions of all branches. A missing branch is at the beginning, so new branches join by themselves.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Vector {
    /// The branch of the last page; the next page is of the branch after it.
    pub served: Option<Tag>,
    /// The unfinished snapshot; only one branch has one at a time.
    pub walk: Option<(Tag, Walk)>,
    /// The branch whose snapshot still needs its tail, and the stamp that the tail must pass through.
    pub tail: Option<(Tag, Stamp)>,
    /// The positions.
    pub positions: BTreeMap<Tag, BranchPosition>,
}

const SERVED: u8 = 1;
const WALK: u8 = 2;
const TAIL: u8 = 4;

impl Vector {
    /// Every branch begins again with a snapshot.
    pub fn reset(&mut self) {
        self.reset_unfinished();
        self.positions.values_mut().for_each(|position| *position = BranchPosition::Reset);
    }

    /// The unfinished snapshot, or its tail, begins again.
    pub fn reset_unfinished(&mut self) {
        let walk = self.walk.take().map(|(tag, _)| tag);
        for tag in walk.into_iter().chain(self.tail.take().map(|(tag, _)| tag)) {
            self.positions.insert(tag, BranchPosition::Reset);
        }
    }

    /// Encodes the vector: flags, the digest, the branch served, the walk (`seal`ed), its tail, then 13 bytes
    /// per branch in order.
    pub(super) fn to_bytes(&self, tables: TablesDigest, seal: impl Fn(&[u8]) -> Sealed) -> Vec<u8> {
        let flag = |set: bool, flag: u8| if set { flag } else { 0 };
        let flags = flag(self.served.is_some(), SERVED) | flag(self.walk.is_some(), WALK);
        let mut bytes = vec![flags | flag(self.tail.is_some(), TAIL)];
        bytes.extend(tables.0);
        bytes.extend(self.served.iter().flat_map(|tag| tag.0));
        if let Some((tag, walk)) = &self.walk {
            let sealed = seal(&walk.to_bytes());
            bytes.extend(tag.0);
            // Both are far below the limits of their lengths; `from_bytes` refuses anything longer.
            bytes.push(u8::try_from(sealed.key.len()).unwrap_or(u8::MAX));
            bytes.extend(sealed.key.bytes());
            bytes.extend(u16::try_from(sealed.bytes.len()).unwrap_or(u16::MAX).to_be_bytes());
            bytes.extend(sealed.bytes);
        }
        if let Some((tag, through)) = self.tail {
            bytes.extend(tag.0);
            bytes.extend(number(through.0));
        }
        for (tag, place) in &self.positions {
            bytes.extend(tag.0);
            bytes.extend(number(match place {
                BranchPosition::Position(stamp) => stamp.0,
                BranchPosition::Time(time) => time.0 | TIME,
                BranchPosition::Reset => RESET,
            }));
        }
        bytes
    }

    /// The inverse of [`Vector::to_bytes`]; `None` for any other bytes. A walk whose key was removed begins
    /// again.
    pub(super) fn from_bytes(
        bytes: &[u8],
        open: impl Fn(&Sealed) -> Result<Vec<u8>, NotOpened>,
    ) -> Option<(Vector, TablesDigest)> {
        let (&flags, mut bytes) = bytes.split_first()?;
        let tables = TablesDigest(take(&mut bytes)?);
        let (mut vector, mut lost) = (Vector::default(), None);
        if flags & SERVED != 0 {
            vector.served = Some(Tag(take(&mut bytes)?));
        }
        if flags & WALK != 0 {
            let (tag, sealed) = (Tag(take(&mut bytes)?), take_sealed(&mut bytes)?);
            match open(&sealed) {
                Ok(walk) => vector.walk = Some((tag, Walk::from_bytes(&walk)?)),
                Err(NotOpened::UnknownKey) => lost = Some(tag),
                Err(NotOpened::Forged) => return None,
            }
        }
        if flags & TAIL != 0 {
            let (tag, through) = (Tag(take(&mut bytes)?), take_number(&mut bytes)?);
            vector.tail = Some((tag, Stamp(through))).filter(|_| through <= Timestamp::MAX.0);
        }
        vector.positions = take_positions(bytes)?;
        vector.positions.extend(lost.map(|tag| (tag, BranchPosition::Reset)));
        (flags & !(SERVED | WALK | TAIL) == 0).then_some((vector, tables))
    }

    /// The vector of an older server: without a digest, and with the walk in the open.
    pub(super) fn from_old_bytes(bytes: &[u8]) -> Option<Vector> {
        let (&flags, mut bytes) = bytes.split_first()?;
        let (mut vector, mut lost) = (Vector::default(), None);
        if flags & SERVED != 0 {
            vector.served = Some(Tag(take(&mut bytes)?));
        }
        if flags & WALK != 0 {
            lost = Some(Tag(take(&mut bytes)?));
            let _positions: [u8; 2 * STAMP_BYTES] = take(&mut bytes)?;
            take_text(&mut bytes)?;
        }
        vector.positions = take_positions(bytes)?;
        vector.positions.extend(lost.map(|tag| (tag, BranchPosition::Reset)));
        (flags & !(SERVED | WALK) == 0).then_some(vector)
    }
}

fn take_positions(mut bytes: &[u8]) -> Option<BTreeMap<Tag, BranchPosition>> {
    let mut positions = BTreeMap::new();
    while !bytes.is_empty() {
        let (tag, value) = (Tag(take(&mut bytes)?), take_number(&mut bytes)?);
        let place = match (value, value & TIME) {
            (RESET, _) => BranchPosition::Reset,
            (_, 0) => BranchPosition::Position(Stamp(value)),
            _ => BranchPosition::Time(Timestamp(value ^ TIME)),
        };
        let fits = value == RESET || value & !TIME <= Timestamp::MAX.0;
        let last = positions.last_key_value().map(|(&last, _)| last);
        // Sorted and without duplicates, so that each vector has one encoding.
        if last >= Some(tag) || !fits || positions.len() >= HEAD_OFFICE_BRANCHES_MAX {
            return None;
        }
        positions.insert(tag, place);
    }
    Some(positions)
}

/// A number below 2^56 as 7 bytes.
pub(super) fn number(value: u64) -> [u8; STAMP_BYTES] {
    let [_, low @ ..] = value.to_be_bytes();
    low
}

fn take<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (&taken, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(taken)
}

/// The inverse of [`number`].
pub(super) fn take_number(bytes: &mut &[u8]) -> Option<u64> {
    let [a, b, c, d, e, f, g] = take(bytes)?;
    Some(u64::from_be_bytes([0, a, b, c, d, e, f, g]))
}

/// Bytes after their length.
fn take_text<'a>(bytes: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = u16::from_be_bytes(take(bytes)?);
    let (text, rest) = bytes.split_at_checked(length.into())?;
    *bytes = rest;
    Some(text)
}

fn take_sealed(bytes: &mut &[u8]) -> Option<Sealed> {
    let [length] = take(bytes)?;
    let (key, rest) = bytes.split_at_checked(length.into())?;
    *bytes = rest;
    let key = std::str::from_utf8(key).ok()?.to_owned();
    Some(Sealed { key, bytes: take_text(bytes)?.to_vec() })
}

const BYTES_MAX: usize = 1
    + TABLES_DIGEST_BYTES
    + TAG_BYTES
    + (TAG_BYTES + 1 + KEY_ID_BYTES_MAX + 2 + IV_SIZE + WALK_HEAD_BYTES + CURSOR_KEY_BYTES_MAX)
    + (TAG_BYTES + STAMP_BYTES)
    + HEAD_OFFICE_BRANCHES_MAX * (TAG_BYTES + STAMP_BYTES);
// The largest vector fits a cursor; base64 turns three bytes into four characters.
const _: () = assert!("h1.".len() + BYTES_MAX.div_ceil(3) * 4 <= CURSOR_BYTES_MAX);
