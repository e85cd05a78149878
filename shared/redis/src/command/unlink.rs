//! UNLINK: keys are gone, their memory soon.

use super::{Command, Repeat};
use crate::arguments::Arguments;
use crate::keys::Key;
use crate::reply::{Reply, ReplyError};

/// Deletes keys and frees their memory in the background; answers how many there were.
#[derive(Clone, Debug)]
pub struct Unlink {
    keys: Vec<Key>,
}

impl Unlink {
    /// Deletes `keys`, of which there must be one at least.
    pub fn new<'a>(keys: impl IntoIterator<Item = &'a Key>) -> Unlink {
        Unlink { keys: keys.into_iter().cloned().collect() }
    }
}

impl Command for Unlink {
    type Reply = u64;

    fn arguments(&self) -> Arguments {
        Arguments::of("UNLINK").keys(&self.keys)
    }

    fn repeat(&self) -> Repeat {
        Repeat::Safe
    }

    fn decode(reply: Reply) -> Result<Self::Reply, ReplyError> {
        reply.count()
    }
}
