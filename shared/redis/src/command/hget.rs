//! HGET: a field of a hash.

use super::{Command, Repeat};
use crate::arguments::Arguments;
use crate::keys::Key;
use crate::reply::{Reply, ReplyError};

/// Reads a field of a hash; nothing if there is none.
#[derive(Clone, Debug)]
pub struct HGet {
    key: Key,
    field: String,
}

impl HGet {
    /// Reads `field` of the hash at `key`.
    pub fn new(key: &Key, field: impl Into<String>) -> HGet {
        HGet { key: key.clone(), field: field.into() }
    }
}

impl Command for HGet {
    type Reply = Option<Vec<u8>>;

    fn arguments(&self) -> Arguments {
        Arguments::of("HGET").key(&self.key).with(&self.field)
    }

    fn repeat(&self) -> Repeat {
        Repeat::Safe
    }

    fn decode(reply: Reply) -> Result<Self::Reply, ReplyError> {
        reply.bytes_or_nil()
    }
}
