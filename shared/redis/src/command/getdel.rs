//! GETDEL: a value, for the last time.

use super::{Command, Repeat};
use crate::arguments::Arguments;
use crate::keys::Key;
use crate::reply::{Reply, ReplyError};

/// Reads a value and deletes it. Never repeated: a second time there would be nothing to read.
#[derive(Clone, Debug)]
pub struct GetDel {
    key: Key,
}

impl GetDel {
    /// Takes the value of `key`.
    pub fn new(key: &Key) -> GetDel {
        GetDel { key: key.clone() }
    }
}

impl Command for GetDel {
    type Reply = Option<Vec<u8>>;

    fn arguments(&self) -> Arguments {
        Arguments::of("GETDEL").key(&self.key)
    }

    fn repeat(&self) -> Repeat {
        Repeat::Unsafe
    }

    fn decode(reply: Reply) -> Result<Self::Reply, ReplyError> {
        reply.bytes_or_nil()
    }
}
