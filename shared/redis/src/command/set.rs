//! SET: a value.

use super::{Command, Life, Repeat};
use crate::arguments::Arguments;
use crate::keys::Key;
use crate::reply::{Reply, ReplyError};
use crate::value::Value;

/// Writes a value; answers whether it was written, which only a condition ([`Only`]) can prevent.
#[derive(Clone, Debug)]
pub struct Set {
    key: Key,
    value: Value,
    keeping: Keeping,
    only: Option<Only>,
}

/// How long a value is kept. Seconds are sent as milliseconds: `EX 2` is `PX 2000`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keeping {
    /// This long.
    For(Life),
    /// As long as the one before it would have been.
    AsBefore,
    /// Until it is deleted.
    Forever,
}

/// A condition for writing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Only {
    /// Only if there is no such key. Never repeated: the second try would find the first's work and deny it.
    IfMissing,
    /// Only if there is such a key.
    IfThere,
}

impl Set {
    /// Writes `value` to `key`.
    pub fn new(key: &Key, value: Value, keeping: Keeping) -> Set {
        Set { key: key.clone(), value, keeping, only: None }
    }

    /// The same, only if `condition` holds.
    pub fn only(self, condition: Only) -> Set {
        Set { only: Some(condition), ..self }
    }
}

/// SET without a condition.
pub(super) fn arguments(key: &Key, value: &Value, keeping: Keeping) -> Arguments {
    let set = Arguments::of("SET").key(key).value(value);
    match keeping {
        Keeping::For(life) => set.with("PX").with(life),
        Keeping::AsBefore => set.with("KEEPTTL"),
        Keeping::Forever => set,
    }
}

impl Command for Set {
    type Reply = bool;

    fn arguments(&self) -> Arguments {
        let set = arguments(&self.key, &self.value, self.keeping);
        match self.only {
            Some(Only::IfMissing) => set.with("NX"),
            Some(Only::IfThere) => set.with("XX"),
            None => set,
        }
    }

    fn repeat(&self) -> Repeat {
        if self.only == Some(Only::IfMissing) { Repeat::Unsafe } else { Repeat::Safe }
    }

    fn decode(reply: Reply) -> Result<Self::Reply, ReplyError> {
        reply.ok_or_nil()
    }
}
