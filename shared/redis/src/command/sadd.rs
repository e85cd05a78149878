//! SADD: members of a set.

use super::{Command, Repeat};
use crate::arguments::Arguments;
use crate::keys::Key;
use crate::reply::{Reply, ReplyError};

/// Adds members to a set; answers how many are new.
#[derive(Clone, Debug)]
pub struct SAdd {
    key: Key,
    members: Vec<String>,
}

impl SAdd {
    /// Adds `members`, of which there must be one at least, to the set at `key`.
    pub fn new(key: &Key, members: Vec<String>) -> SAdd {
        SAdd { key: key.clone(), members }
    }
}

impl Command for SAdd {
    type Reply = u64;

    fn arguments(&self) -> Arguments {
        Arguments::of("SADD").key(&self.key).texts(&self.members)
    }

    fn repeat(&self) -> Repeat {
        Repeat::Safe
    }

    fn decode(reply: Reply) -> Result<Self::Reply, ReplyError> {
        reply.count()
    }
}
