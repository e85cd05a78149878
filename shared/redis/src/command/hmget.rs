//! HMGET: several fields of a hash.

use super::{Command, Repeat};
use crate::arguments::Arguments;
use crate::keys::Key;
use crate::reply::{Reply, ReplyError};

/// Reads several fields of a hash, in their order.
#[derive(Clone, Debug)]
pub struct HMGet {
    key: Key,
    fields: Vec<String>,
}

impl HMGet {
    /// Reads `fields`, of which there must be one at least, of the hash at `key`.
    pub fn new(key: &Key, fields: Vec<String>) -> HMGet {
        HMGet { key: key.clone(), fields }
    }
}

impl Command for HMGet {
    type Reply = Vec<Option<Vec<u8>>>;

    fn arguments(&self) -> Arguments {
        Arguments::of("HMGET").key(&self.key).texts(&self.fields)
    }

    fn repeat(&self) -> Repeat {
        Repeat::Safe
    }

    fn decode(reply: Reply) -> Result<Self::Reply, ReplyError> {
        reply.all_bytes_or_nil()
    }
}
