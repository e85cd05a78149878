//! INCRBY: a counter.

use super::{Command, Repeat};
use crate::arguments::Arguments;
use crate::keys::Key;
use crate::reply::{Reply, ReplyError};

/// Adds to a counter; answers what it then is.
#[derive(Clone, Debug)]
pub struct IncrBy {
    key: Key,
    by: i64,
}

impl IncrBy {
    /// Adds `by` to the counter at `key`.
    pub fn new(key: &Key, by: i64) -> IncrBy {
        IncrBy { key: key.clone(), by }
    }
}

impl Command for IncrBy {
    type Reply = i64;

    fn arguments(&self) -> Arguments {
        Arguments::of("INCRBY").key(&self.key).with(self.by)
    }

    fn repeat(&self) -> Repeat {
        Repeat::Unsafe
    }

    fn decode(reply: Reply) -> Result<Self::Reply, ReplyError> {
        reply.int()
    }
}
