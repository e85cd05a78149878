//! SREM: members leave a set.

use super::{Command, Repeat};
use crate::arguments::Arguments;
use crate::keys::Key;
use crate::reply::{Reply, ReplyError};

/// Removes members from a set; answers how many there were.
#[derive(Clone, Debug)]
pub struct SRem {
    key: Key,
    members: Vec<String>,
}

impl SRem {
    /// Removes `members`, of which there must be one at least, from the set at `key`.
    pub fn new(key: &Key, members: Vec<String>) -> SRem {
        SRem { key: key.clone(), members }
    }
}

impl Command for SRem {
    type Reply = u64;

    fn arguments(&self) -> Arguments {
        Arguments::of("SREM").key(&self.key).texts(&self.members)
    }

    fn repeat(&self) -> Repeat {
        Repeat::Safe
    }

    fn decode(reply: Reply) -> Result<Self::Reply, ReplyError> {
        reply.count()
    }
}
