//! EVAL: a script that is not called by its hash.

use super::{Command, Repeat};
use crate::arguments::Arguments;
use crate::reply::{Reply, ReplyError};
use crate::script::ScriptCall;

/// Runs a script with its whole text, as one that is called once in a while does better.
#[derive(Clone, Debug)]
pub struct Eval {
    arguments: Arguments,
    repeat: Repeat,
}

impl Eval {
    /// Runs what `call` calls.
    pub fn new(call: &ScriptCall) -> Eval {
        Eval { arguments: call.in_full().unwrap_or_else(|| call.arguments()), repeat: call.repeat() }
    }
}

impl Command for Eval {
    type Reply = Reply;

    fn arguments(&self) -> Arguments {
        self.arguments.clone()
    }

    fn repeat(&self) -> Repeat {
        self.repeat
    }

    fn decode(reply: Reply) -> Result<Self::Reply, ReplyError> {
        Ok(reply)
    }
}
