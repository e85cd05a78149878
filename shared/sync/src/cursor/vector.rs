//! Head office's position: one position per branch of its client.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use super::walk::{Walk, key_text, parse_key};
use crate::limits::{CURSOR_BYTES_MAX, CURSOR_KEY_BYTES_MAX};
use protocol::ids::BranchId;
use protocol::limits::HEAD_OFFICE_BRANCHES_MAX;
use protocol::stamp::Stamp;
use protocol::timestamp::Timestamp;

const TAG_BYTES: usize = 6;
const STAMP_BYTES: usize = 7;
/// The bit of a place that marks a time. Stamps are below 2^53, so the bit is free.
const TIME: u64 = 1 << 55;

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
}

/// The positions of all branches. A missing branch is at the beginning, so new branches join by themselves.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Vector {
    /// The branch of the last page; the next page is of the branch after it.
    pub served: Option<Tag>,
    /// The unfinished snapshot; only one branch has one at a time.
    pub walk: Option<(Tag, Walk)>,
    /// The positions.
    pub positions: BTreeMap<Tag, BranchPosition>,
}

const SERVED: u8 = 1;
const WALK: u8 = 2;

impl Vector {
    /// Encodes the vector: flags, the branch served, the walk, then 13 bytes per branch in order.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let flag = |set: bool, flag: u8| if set { flag } else { 0 };
        let mut bytes = vec![flag(self.served.is_some(), SERVED) | flag(self.walk.is_some(), WALK)];
        bytes.extend(self.served.iter().flat_map(|tag| tag.0));
        if let Some((tag, walk)) = &self.walk {
            let after = walk.after.as_ref().map(key_text).unwrap_or_default();
            bytes.extend(tag.0);
            bytes.extend(number(walk.noted.0));
            bytes.extend(number(walk.started.0));
            // At most CURSOR_KEY_BYTES_MAX; `from_bytes` refuses a longer one.
            bytes.extend(u16::try_from(after.len()).unwrap_or(u16::MAX).to_be_bytes());
            bytes.extend(after.bytes());
        }
        for (tag, place) in &self.positions {
            bytes.extend(tag.0);
            bytes.extend(number(match place {
                BranchPosition::Position(stamp) => stamp.0,
                BranchPosition::Time(time) => time.0 | TIME,
            }));
        }
        bytes
    }

    /// The inverse of [`Vector::to_bytes`]; `None` for any other bytes.
    pub(super) fn from_bytes(bytes: &[u8]) -> Option<Vector> {
        let (&flags, mut bytes) = bytes.split_first()?;
        let mut vector = Vector::default();
        if flags & SERVED != 0 {
            vector.served = Some(Tag(take(&mut bytes)?));
        }
        if flags & WALK != 0 {
            vector.walk = Some((Tag(take(&mut bytes)?), take_walk(&mut bytes)?));
        }
        while !bytes.is_empty() {
            let (tag, value) = (Tag(take(&mut bytes)?), take_number(&mut bytes)?);
            let place = match value & TIME {
                0 => BranchPosition::Position(Stamp(value)),
                _ => BranchPosition::Time(Timestamp(value ^ TIME)),
            };
            let (BranchPosition::Position(Stamp(value)) | BranchPosition::Time(Timestamp(value))) = place;
            let last = vector.positions.last_key_value().map(|(&last, _)| last);
            // Sorted and without duplicates, so that each vector has one encoding.
            if last >= Some(tag)
                || value > Timestamp::MAX.0
                || vector.positions.len() >= HEAD_OFFICE_BRANCHES_MAX
            {
                return None;
            }
            vector.positions.insert(tag, place);
        }
        (flags & !(SERVED | WALK) == 0).then_some(vector)
    }
}

fn number(value: u64) -> [u8; STAMP_BYTES] {
    let [_, low @ ..] = value.to_be_bytes();
    low
}

fn take<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (&taken, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(taken)
}

fn take_number(bytes: &mut &[u8]) -> Option<u64> {
    let [a, b, c, d, e, f, g] = take(bytes)?;
    Some(u64::from_be_bytes([0, a, b, c, d, e, f, g]))
}

fn take_walk(bytes: &mut &[u8]) -> Option<Walk> {
    let (noted, started) = (take_number(bytes)?, take_number(bytes)?);
    let length = u16::from_be_bytes(take(bytes)?);
    let (after, rest) = bytes.split_at_checked(length.into())?;
    *bytes = rest;
    let after = match std::str::from_utf8(after).ok()? {
        "" => None,
        text => Some(parse_key(text)?),
    };
    let fits = noted <= Timestamp::MAX.0 && started <= Timestamp::MAX.0;
    fits.then_some(Walk { noted: Stamp(noted), started: Timestamp(started), after })
}

const BYTES_MAX: usize = 1
    + 2 * TAG_BYTES
    + 2 * STAMP_BYTES
    + 2
    + CURSOR_KEY_BYTES_MAX
    + HEAD_OFFICE_BRANCHES_MAX * (TAG_BYTES + STAMP_BYTES);
// The largest vector fits a cursor; base64 turns three bytes into four characters.
const _: () = assert!("v2.".len() + BYTES_MAX.div_ceil(3) * 4 <= CURSOR_BYTES_MAX);
