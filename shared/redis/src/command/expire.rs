//! PEXPIRE: how long a key has to live.

use super::{Command, Life, Repeat};
use crate::arguments::Arguments;
use crate::keys::Key;
use crate::reply::{Reply, ReplyError};

/// Gives a key a new life; answers whether there is such a key.
#[derive(Clone, Debug)]
pub struct Expire {
    key: Key,
    life: Life,
}

impl Expire {
    /// Gives `key` the life `life`, from now.
    pub fn new(key: &Key, life: Life) -> Expire {
        Expire { key: key.clone(), life }
    }
}

impl Command for Expire {
    type Reply = bool;

    fn arguments(&self) -> Arguments {
        Arguments::of("PEXPIRE").key(&self.key).with(self.life)
    }

    fn repeat(&self) -> Repeat {
        Repeat::Safe
    }

    fn decode(reply: Reply) -> Result<Self::Reply, ReplyError> {
        reply.flag()
    }
}
