//! HGETALL: a whole hash.

use super::{Command, Repeat};
use crate::arguments::Arguments;
use crate::keys::Key;
use crate::reply::{Reply, ReplyError};

/// Reads all fields of a hash with their values, in no order; none if there is no such hash.
#[derive(Clone, Debug)]
pub struct HGetAll {
    key: Key,
}

impl HGetAll {
    /// Reads the hash at `key`.
    pub fn new(key: &Key) -> HGetAll {
        HGetAll { key: key.clone() }
    }
}

impl Command for HGetAll {
    type Reply = Vec<(Vec<u8>, Vec<u8>)>;

    fn arguments(&self) -> Arguments {
        Arguments::of("HGETALL").key(&self.key)
    }

    fn repeat(&self) -> Repeat {
        Repeat::Safe
    }

    fn decode(reply: Reply) -> Result<Self::Reply, ReplyError> {
        let mut items = reply.all_bytes()?.into_iter();
        let mut pairs = Vec::with_capacity(items.len() / 2);
        while let (Some(field), value) = (items.next(), items.next()) {
            pairs.push((field, value.ok_or(ReplyError::Content { expected: "fields with their values" })?));
        }
        Ok(pairs)
    }
}
