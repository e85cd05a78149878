//! HINCRBY: a counter in a hash.

use super::{Command, Repeat};
use crate::arguments::Arguments;
use crate::keys::Key;
use crate::reply::{Reply, ReplyError};

/// Adds to a counter in a hash; answers what it then is.
#[derive(Clone, Debug)]
pub struct HIncrBy {
    key: Key,
    field: String,
    by: i64,
}

impl HIncrBy {
    /// Adds `by` to `field` of the hash at `key`.
    pub fn new(key: &Key, field: impl Into<String>, by: i64) -> HIncrBy {
        HIncrBy { key: key.clone(), field: field.into(), by }
    }
}

impl Command for HIncrBy {
    type Reply = i64;

    fn arguments(&self) -> Arguments {
        Arguments::of("HINCRBY").key(&self.key).with(&self.field).with(self.by)
    }

    fn repeat(&self) -> Repeat {
        Repeat::Unsafe
    }

    fn decode(reply: Reply) -> Result<Self::Reply, ReplyError> {
        reply.int()
    }
}
