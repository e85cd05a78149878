//! DEL: keys are gone, at once.

use super::{Command, Repeat};
use crate::arguments::Arguments;
use crate::keys::Key;
use crate::reply::{Reply, ReplyError};

/// Deletes keys; answers how many there were.
#[derive(Clone, Debug)]
pub struct Del {
    keys: Vec<Key>,
}

impl Del {
    /// Deletes `keys`, of which there must be one at least.
    pub fn new<'a>(keys: impl IntoIterator<Item = &'a Key>) -> Del {
        Del { keys: keys.into_iter().cloned().collect() }
    }
}

impl Command for Del {
    type Reply = u64;

    fn arguments(&self) -> Arguments {
        Arguments::of("DEL").keys(&self.keys)
    }

    fn repeat(&self) -> Repeat {
        Repeat::Safe
    }

    fn decode(reply: Reply) -> Result<Self::Reply, ReplyError> {
        reply.count()
    }
}
