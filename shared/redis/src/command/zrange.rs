//! ZRANGE: members of a sorted set, in order.

use super::{Command, Repeat};
use crate::arguments::Arguments;
use crate::keys::Key;
use crate::reply::{Reply, ReplyError};

/// Reads members of a sorted set, lowest score first.
#[derive(Clone, Debug)]
pub struct ZRange {
    key: Key,
    span: Span,
}

impl ZRange {
    /// Reads `span` of the sorted set at `key`.
    pub fn new(key: &Key, span: Span) -> ZRange {
        ZRange { key: key.clone(), span }
    }
}

impl Command for ZRange {
    type Reply = Vec<Vec<u8>>;

    fn arguments(&self) -> Arguments {
        let set = Arguments::of("ZRANGE").key(&self.key);
        match self.span {
            Span::Places(first, last) => set.with(first).with(last),
            Span::Scores(lowest, highest) => set.with(lowest).with(highest).with("BYSCORE"),
        }
    }

    fn repeat(&self) -> Repeat {
        Repeat::Safe
    }

    fn decode(reply: Reply) -> Result<Self::Reply, ReplyError> {
        reply.all_bytes()
    }
}

/// Which members of a sorted set; both ends are included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Span {
    /// By place, counted from 0, or from -1 at the end.
    Places(i64, i64),
    /// By score.
    Scores(i64, i64),
}
