//! SCAN: keys by pattern, a page at a time.

use super::{Command, Repeat};
use crate::arguments::Arguments;
use crate::keys::Pattern;
use crate::reply::{Reply, ReplyError};

/// Reads a page of the keys that match a pattern. A key that is there all the while is found at least once.
#[derive(Clone, Debug)]
pub struct Scan {
    cursor: u64,
    pattern: Pattern,
    count: u32,
}

/// A page of keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// Where the next page begins; `None` after the last.
    pub next: Option<u64>,
    /// The keys as Redis knows them, with the prefix; [`crate::keys::Keys::found`] makes them ours again.
    pub keys: Vec<Vec<u8>>,
}

impl Scan {
    /// Reads on from `cursor`, 0 at first, and looks at about `count` keys.
    pub fn new(cursor: u64, pattern: &Pattern, count: u32) -> Scan {
        Scan { cursor, pattern: pattern.clone(), count }
    }
}

impl Command for Scan {
    type Reply = Page;

    fn arguments(&self) -> Arguments {
        let scan = Arguments::of("SCAN").with(self.cursor);
        scan.with("MATCH").with(&self.pattern).with("COUNT").with(self.count)
    }

    fn repeat(&self) -> Repeat {
        Repeat::Safe
    }

    fn decode(reply: Reply) -> Result<Self::Reply, ReplyError> {
        let mut parts = reply.array()?.into_iter();
        let (Some(cursor), Some(keys), None) = (parts.next(), parts.next(), parts.next()) else {
            return Err(ReplyError::Content { expected: "a cursor and keys" });
        };
        // A cursor takes all 64 bits, so it is a string, unless the service writes it as a number.
        let cursor = match cursor {
            Reply::Int(number) => u64::try_from(number).ok(),
            text => text.text()?.parse().ok(),
        };
        let next = cursor.ok_or(ReplyError::Content { expected: "a cursor and keys" })?;
        Ok(Page { next: Some(next).filter(|next| *next != 0), keys: keys.all_bytes()? })
    }
}
