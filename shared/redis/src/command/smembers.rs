//! SMEMBERS: a whole set.

use super::{Command, Repeat};
use crate::arguments::Arguments;
use crate::keys::Key;
use crate::reply::{Reply, ReplyError};

/// Reads all members of a set, in no order.
#[derive(Clone, Debug)]
pub struct SMembers {
    key: Key,
}

impl SMembers {
    /// Reads the set at `key`.
    pub fn new(key: &Key) -> SMembers {
        SMembers { key: key.clone() }
    }
}

impl Command for SMembers {
    type Reply = Vec<Vec<u8>>;

    fn arguments(&self) -> Arguments {
        Arguments::of("SMEMBERS").key(&self.key)
    }

    fn repeat(&self) -> Repeat {
        Repeat::Safe
    }

    fn decode(reply: Reply) -> Result<Self::Reply, ReplyError> {
        reply.all_bytes()
    }
}
