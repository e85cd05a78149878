//! MGET: several values at once.

use super::{Command, Repeat};
use crate::arguments::Arguments;
use crate::keys::Key;
use crate::reply::{Reply, ReplyError};

/// Reads several values, in the order of their keys; one command however many.
#[derive(Clone, Debug)]
pub struct MGet {
    keys: Vec<Key>,
}

impl MGet {
    /// Reads the values of `keys`, of which there must be one at least.
    pub fn new<'a>(keys: impl IntoIterator<Item = &'a Key>) -> MGet {
        MGet { keys: keys.into_iter().cloned().collect() }
    }
}

impl Command for MGet {
    type Reply = Vec<Option<Vec<u8>>>;

    fn arguments(&self) -> Arguments {
        Arguments::of("MGET").keys(&self.keys)
    }

    fn repeat(&self) -> Repeat {
        Repeat::Safe
    }

    fn decode(reply: Reply) -> Result<Self::Reply, ReplyError> {
        reply.all_bytes_or_nil()
    }
}
