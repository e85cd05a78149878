//! HSET: fields of a hash.

use super::{Command, Repeat};
use crate::arguments::Arguments;
use crate::keys::Key;
use crate::reply::{Reply, ReplyError};
use crate::value::Value;

/// Writes fields of a hash; answers how many are new.
#[derive(Clone, Debug)]
pub struct HSet {
    key: Key,
    pairs: Vec<(String, Value)>,
}

impl HSet {
    /// Writes `pairs`, of which there must be one at least, to the hash at `key`.
    pub fn new(key: &Key, pairs: Vec<(String, Value)>) -> HSet {
        HSet { key: key.clone(), pairs }
    }
}

impl Command for HSet {
    type Reply = u64;

    fn arguments(&self) -> Arguments {
        let hash = Arguments::of("HSET").key(&self.key);
        self.pairs.iter().fold(hash, |all, (field, value)| all.with(field).value(value))
    }

    fn repeat(&self) -> Repeat {
        Repeat::Safe
    }

    fn decode(reply: Reply) -> Result<Self::Reply, ReplyError> {
        reply.count()
    }
}
