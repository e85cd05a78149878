//! MSET: several values at once.

use super::{Command, Repeat};
use crate::arguments::Arguments;
use crate::keys::Key;
use crate::reply::{Reply, ReplyError};
use crate::value::Value;

/// Writes several values as one; one command however many. They get no life: whoever needs one sends SETs in a pipeline.
#[derive(Clone, Debug)]
pub struct MSet {
    pairs: Vec<(Key, Value)>,
}

impl MSet {
    /// Writes `pairs`, of which there must be one at least.
    pub fn new(pairs: Vec<(Key, Value)>) -> MSet {
        MSet { pairs }
    }
}

impl Command for MSet {
    type Reply = ();

    fn arguments(&self) -> Arguments {
        self.pairs.iter().fold(Arguments::of("MSET"), |all, (key, value)| all.key(key).value(value))
    }

    fn repeat(&self) -> Repeat {
        Repeat::Safe
    }

    fn decode(reply: Reply) -> Result<Self::Reply, ReplyError> {
        reply.ok()
    }
}
