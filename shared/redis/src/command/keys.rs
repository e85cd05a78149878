//! Commands on keys of any type.

use std::time::Duration;

use super::{Command, Ttl};
use crate::arguments::Arguments;
use crate::keys::{Key, Pattern};
use crate::reply::{Reply, ReplyError};

/// DEL: deletes `keys`, at least one; replies how many existed.
pub fn del<'a>(keys: impl IntoIterator<Item = &'a Key>) -> Command<u64> {
    Command::idempotent(Arguments::new("DEL").keys(keys), Reply::count)
}

/// UNLINK: deletes `keys`, at least one, and frees their memory in the background; replies how many existed.
pub fn unlink<'a>(keys: impl IntoIterator<Item = &'a Key>) -> Command<u64> {
    Command::idempotent(Arguments::new("UNLINK").keys(keys), Reply::count)
}

/// EXISTS: replies how many of `keys`, at least one, exist.
pub fn exists<'a>(keys: impl IntoIterator<Item = &'a Key>) -> Command<u64> {
    Command::idempotent(Arguments::new("EXISTS").keys(keys), Reply::count)
}

/// PEXPIRE: sets a key's time to live; replies whether the key exists.
pub fn expire(key: &Key, ttl: Ttl) -> Command<bool> {
    Command::idempotent(Arguments::new("PEXPIRE").key(key).with(ttl), Reply::flag)
}

/// A key's remaining time to live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remaining {
    /// The key does not exist.
    NoKey,
    /// The key does not expire.
    Forever,
    /// The key expires after this time.
    For(Duration),
}

/// PTTL: reads a key's remaining time to live.
pub fn pttl(key: &Key) -> Command<Remaining> {
    Command::idempotent(Arguments::new("PTTL").key(key), |reply| {
        Ok(match reply.int()? {
            -2 => Remaining::NoKey,
            -1 => Remaining::Forever,
            millis => Remaining::For(Duration::from_millis(u64::try_from(millis).unwrap_or(0))),
        })
    })
}

/// A page of keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// Cursor of the next page; `None` after the last.
    pub next: Option<u64>,
    /// The keys with their prefix; [`crate::keys::Keys::parse`] reads them.
    pub keys: Vec<Vec<u8>>,
}

/// SCAN: reads a page of the keys that match `pattern`, starting at `cursor` (0 for the first page), and
/// examines about `count` keys. A key that exists during the whole scan is found at least once.
pub fn scan(cursor: u64, pattern: &Pattern, count: u32) -> Command<Page> {
    let scan = Arguments::new("SCAN").with(cursor);
    Command::idempotent(scan.with("MATCH").with(pattern).with("COUNT").with(count), page)
}

fn page(reply: Reply) -> Result<Page, ReplyError> {
    const SHAPE: ReplyError = ReplyError::Content { expected: "a cursor and keys" };
    let mut parts = reply.array()?.into_iter();
    let (Some(cursor), Some(keys), None) = (parts.next(), parts.next(), parts.next()) else {
        return Err(SHAPE);
    };
    // A cursor uses all 64 bits, so it is a string, unless the service writes it as a number.
    let cursor = match cursor {
        Reply::Int(number) => u64::try_from(number).ok(),
        text => text.text()?.parse().ok(),
    };
    let next = cursor.ok_or(SHAPE)?;
    Ok(Page { next: Some(next).filter(|next| *next != 0), keys: keys.all_bytes()? })
}
