//! The bytes of a vector.

use aes_siv::siv::IV_SIZE;
use config::KEY_ID_BYTES_MAX;

use super::{BranchPosition, Positions, TAG_BYTES, Tag, Vector};
use crate::cursor::checkpoint::CheckpointId;
use crate::cursor::seal::{NotOpened, Sealed};
use crate::cursor::walk::{WALK_HEAD_BYTES, Walk};
use crate::limits::{CURSOR_BYTES_MAX, CURSOR_CHANGES_MAX, CURSOR_KEY_BYTES_MAX, CURSOR_POSITIONS_MAX};
use crate::tables::digest::{TABLES_DIGEST_BYTES, TablesDigest};
use protocol::stamp::Stamp;
use protocol::timestamp::Timestamp;

/// Bytes of a stamp or a time.
pub(in crate::cursor) const STAMP_BYTES: usize = 7;
/// The bit of a place that marks a time. Stamps are below 2^53, so the bit is free.
const TIME: u64 = 1 << 55;
/// The place of [`BranchPosition::Reset`]: a position beyond every stamp.
const RESET: u64 = TIME - 1;

const SERVED: u8 = 1;
const WALK: u8 = 2;
const TAIL: u8 = 4;

/// The entry among the positions that holds [`Vector::checked`]. A release that does not know of it takes it
/// for a branch that the client no longer has.
const CHECKED: Tag = Tag([0xff; TAG_BYTES]);

impl Vector {
    /// Encodes the vector: flags, the digest, the branch served, the walk (`seal`ed), its tail, then 13 bytes
    /// per branch in order.
    pub(in crate::cursor) fn to_bytes(
        &self,
        tables: TablesDigest,
        seal: impl Fn(&[u8]) -> Sealed,
    ) -> Vec<u8> {
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
        let checked = self.checked.map(|tag| (CHECKED, BranchPosition::Position(tag.as_stamp())));
        put_positions(&mut bytes, self.positions.iter().map(|(tag, at)| (*tag, *at)).chain(checked));
        bytes
    }

    /// The inverse of [`Vector::to_bytes`]; `None` for any other bytes. A walk whose key was removed begins
    /// again.
    pub(in crate::cursor) fn from_bytes(
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
        vector.positions = take_positions(bytes, CURSOR_POSITIONS_MAX)?;
        vector.checked = match vector.positions.remove(&CHECKED) {
            None => None,
            Some(BranchPosition::Position(stamp)) => Some(Tag::of_stamp(stamp)?),
            Some(_) => return None,
        };
        vector.positions.extend(lost.map(|tag| (tag, BranchPosition::Reset)));
        (flags & !(SERVED | WALK | TAIL) == 0).then_some((vector, tables))
    }

    /// The vector of an older server: without a digest, and with the walk in the open.
    pub(in crate::cursor) fn from_old_bytes(bytes: &[u8]) -> Option<Vector> {
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
        vector.positions = take_positions(bytes, CURSOR_POSITIONS_MAX)?;
        vector.positions.extend(lost.map(|tag| (tag, BranchPosition::Reset)));
        (flags & !(SERVED | WALK) == 0).then_some(vector)
    }
}

/// Appends 13 bytes per branch.
pub(in crate::cursor) fn put_positions(
    bytes: &mut Vec<u8>,
    positions: impl Iterator<Item = (Tag, BranchPosition)>,
) {
    for (tag, position) in positions {
        bytes.extend(tag.0);
        bytes.extend(number(match position {
            BranchPosition::Position(stamp) => stamp.0,
            BranchPosition::Time(time) => time.0 | TIME,
            BranchPosition::Reset => RESET,
        }));
    }
}

/// The inverse of [`put_positions`], of at most `most` branches.
pub(in crate::cursor) fn take_positions(mut bytes: &[u8], most: usize) -> Option<Positions> {
    let mut positions = Positions::new();
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
        if last >= Some(tag) || !fits || positions.len() >= most {
            return None;
        }
        positions.insert(tag, place);
    }
    Some(positions)
}

/// A number below 2^56 as 7 bytes.
pub(in crate::cursor) fn number(value: u64) -> [u8; STAMP_BYTES] {
    let [_, low @ ..] = value.to_be_bytes();
    low
}

fn take<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (&taken, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(taken)
}

/// The inverse of [`number`].
pub(in crate::cursor) fn take_number(bytes: &mut &[u8]) -> Option<u64> {
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

/// Bytes of a vector besides its positions.
const HEAD_BYTES_MAX: usize = 1
    + TABLES_DIGEST_BYTES
    + TAG_BYTES
    + (TAG_BYTES + 1 + KEY_ID_BYTES_MAX + 2 + IV_SIZE + WALK_HEAD_BYTES + CURSOR_KEY_BYTES_MAX)
    + (TAG_BYTES + STAMP_BYTES);

/// Characters of a vector with `positions`; base64 turns three bytes into four characters.
const fn chars(positions: usize) -> usize {
    (HEAD_BYTES_MAX + positions * (TAG_BYTES + STAMP_BYTES)).div_ceil(3) * 4
}

// The largest vector fits a cursor, and so does the largest difference from a checkpoint.
const _: () = assert!("h1.".len() + chars(CURSOR_POSITIONS_MAX) <= CURSOR_BYTES_MAX);
const _: () = assert!("h2..".len() + CheckpointId::CHARS + chars(CURSOR_CHANGES_MAX) <= CURSOR_BYTES_MAX);
