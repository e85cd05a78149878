//! ZREM: members leave a sorted set.

use super::{Command, Repeat};
use crate::arguments::Arguments;
use crate::keys::Key;
use crate::reply::{Reply, ReplyError};

/// Removes members from a sorted set; answers how many there were.
#[derive(Clone, Debug)]
pub struct ZRem {
    key: Key,
    members: Vec<String>,
}

impl ZRem {
    /// Removes `members`, of which there must be one at least, from the sorted set at `key`.
    pub fn new(key: &Key, members: Vec<String>) -> ZRem {
        ZRem { key: key.clone(), members }
    }
}

impl Command for ZRem {
    type Reply = u64;

    fn arguments(&self) -> Arguments {
        Arguments::of("ZREM").key(&self.key).texts(&self.members)
    }

    fn repeat(&self) -> Repeat {
        Repeat::Safe
    }

    fn decode(reply: Reply) -> Result<Self::Reply, ReplyError> {
        reply.count()
    }
}
