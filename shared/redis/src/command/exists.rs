//! EXISTS: which keys there are.

use super::{Command, Repeat};
use crate::arguments::Arguments;
use crate::keys::Key;
use crate::reply::{Reply, ReplyError};

/// Counts which of some keys exist.
#[derive(Clone, Debug)]
pub struct Exists {
    keys: Vec<Key>,
}

impl Exists {
    /// Counts `keys`, of which there must be one at least.
    pub fn new<'a>(keys: impl IntoIterator<Item = &'a Key>) -> Exists {
        Exists { keys: keys.into_iter().cloned().collect() }
    }
}

impl Command for Exists {
    type Reply = u64;

    fn arguments(&self) -> Arguments {
        Arguments::of("EXISTS").keys(&self.keys)
    }

    fn repeat(&self) -> Repeat {
        Repeat::Safe
    }

    fn decode(reply: Reply) -> Result<Self::Reply, ReplyError> {
        reply.count()
    }
}
