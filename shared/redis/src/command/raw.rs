//! Any command, for what has no type yet.

use super::{Command, Repeat};
use crate::arguments::Arguments;
use crate::reply::{Reply, ReplyError};

/// A command as its arguments say; its reply is as it comes.
#[derive(Clone, Debug)]
pub struct Raw {
    arguments: Arguments,
    repeat: Repeat,
}

impl Raw {
    /// A command that leaves the same behind however often it runs.
    pub fn safe(arguments: Arguments) -> Raw {
        Raw { arguments, repeat: Repeat::Safe }
    }

    /// Any other command.
    pub fn once(arguments: Arguments) -> Raw {
        Raw { arguments, repeat: Repeat::Unsafe }
    }
}

impl Command for Raw {
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
