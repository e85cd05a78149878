//! SCRIPT LOAD: a script, before it is called.

use super::{Command, Repeat};
use crate::arguments::Arguments;
use crate::reply::{Reply, ReplyError};
use crate::script::Script;

/// Makes a script known to the server; answers its hash.
#[derive(Clone, Debug)]
pub struct ScriptLoad {
    text: &'static str,
}

impl ScriptLoad {
    /// Loads `script`.
    pub fn new(script: &Script) -> ScriptLoad {
        ScriptLoad { text: script.text() }
    }
}

impl Command for ScriptLoad {
    type Reply = String;

    fn arguments(&self) -> Arguments {
        Arguments::of("SCRIPT").with("LOAD").with(self.text)
    }

    fn repeat(&self) -> Repeat {
        Repeat::Safe
    }

    fn decode(reply: Reply) -> Result<Self::Reply, ReplyError> {
        reply.text()
    }
}
