//! HDEL: fields of a hash are gone.

use super::{Command, Repeat};
use crate::arguments::Arguments;
use crate::keys::Key;
use crate::reply::{Reply, ReplyError};

/// Deletes fields of a hash; answers how many there were.
#[derive(Clone, Debug)]
pub struct HDel {
    key: Key,
    fields: Vec<String>,
}

impl HDel {
    /// Deletes `fields`, of which there must be one at least, of the hash at `key`.
    pub fn new(key: &Key, fields: Vec<String>) -> HDel {
        HDel { key: key.clone(), fields }
    }
}

impl Command for HDel {
    type Reply = u64;

    fn arguments(&self) -> Arguments {
        Arguments::of("HDEL").key(&self.key).texts(&self.fields)
    }

    fn repeat(&self) -> Repeat {
        Repeat::Safe
    }

    fn decode(reply: Reply) -> Result<Self::Reply, ReplyError> {
        reply.count()
    }
}
