//! MEMORY USAGE: what a key costs.

use super::{Command, Repeat};
use crate::arguments::Arguments;
use crate::keys::Key;
use crate::reply::{Reply, ReplyError};

/// Reads how many bytes a key takes in memory; nothing if there is no such key.
#[derive(Clone, Debug)]
pub struct MemoryUsage {
    key: Key,
}

impl MemoryUsage {
    /// Reads what `key` takes.
    pub fn new(key: &Key) -> MemoryUsage {
        MemoryUsage { key: key.clone() }
    }
}

impl Command for MemoryUsage {
    type Reply = Option<u64>;

    fn arguments(&self) -> Arguments {
        Arguments::of("MEMORY").with("USAGE").key(&self.key)
    }

    fn repeat(&self) -> Repeat {
        Repeat::Safe
    }

    fn decode(reply: Reply) -> Result<Self::Reply, ReplyError> {
        if reply == Reply::Nil { Ok(None) } else { reply.count().map(Some) }
    }
}
