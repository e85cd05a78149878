//! GET: a value.

use super::{Command, Repeat};
use crate::arguments::Arguments;
use crate::keys::Key;
use crate::reply::{Reply, ReplyError};

/// Reads a value; nothing if there is none.
#[derive(Clone, Debug)]
pub struct Get {
    key: Key,
}

impl Get {
    /// Reads the value of `key`.
    pub fn new(key: &Key) -> Get {
        Get { key: key.clone() }
    }
}

impl Command for Get {
    type Reply = Option<Vec<u8>>;

    fn arguments(&self) -> Arguments {
        Arguments::of("GET").key(&self.key)
    }

    fn repeat(&self) -> Repeat {
        Repeat::Safe
    }

    fn decode(reply: Reply) -> Result<Self::Reply, ReplyError> {
        reply.bytes_or_nil()
    }
}
