//! SET with GET: a value, in exchange for the one before it.

use super::set::arguments;
use super::{Command, Keeping, Repeat};
use crate::arguments::Arguments;
use crate::keys::Key;
use crate::reply::{Reply, ReplyError};
use crate::value::Value;

/// Writes a value; answers the one before it. Never repeated: the second try would answer with its own.
#[derive(Clone, Debug)]
pub struct SetGet {
    key: Key,
    value: Value,
    keeping: Keeping,
}

impl SetGet {
    /// Writes `value` to `key`.
    pub fn new(key: &Key, value: Value, keeping: Keeping) -> SetGet {
        SetGet { key: key.clone(), value, keeping }
    }
}

impl Command for SetGet {
    type Reply = Option<Vec<u8>>;

    fn arguments(&self) -> Arguments {
        arguments(&self.key, &self.value, self.keeping).with("GET")
    }

    fn repeat(&self) -> Repeat {
        Repeat::Unsafe
    }

    fn decode(reply: Reply) -> Result<Self::Reply, ReplyError> {
        reply.bytes_or_nil()
    }
}
