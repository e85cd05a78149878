//! GETEX: a value, which lives on from now.

use super::{Command, Life, Repeat};
use crate::arguments::Arguments;
use crate::keys::Key;
use crate::reply::{Reply, ReplyError};

/// Reads a value and gives it a new life, in one command.
#[derive(Clone, Debug)]
pub struct GetEx {
    key: Key,
    life: Life,
}

impl GetEx {
    /// Reads the value of `key`, which then has `life` before it.
    pub fn new(key: &Key, life: Life) -> GetEx {
        GetEx { key: key.clone(), life }
    }
}

impl Command for GetEx {
    type Reply = Option<Vec<u8>>;

    fn arguments(&self) -> Arguments {
        Arguments::of("GETEX").key(&self.key).with("PX").with(self.life)
    }

    fn repeat(&self) -> Repeat {
        Repeat::Safe
    }

    fn decode(reply: Reply) -> Result<Self::Reply, ReplyError> {
        reply.bytes_or_nil()
    }
}
