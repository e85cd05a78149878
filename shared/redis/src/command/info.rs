//! INFO: how Redis is doing, by its own account.

use super::{Command, Repeat};
use crate::arguments::Arguments;
use crate::reply::{Reply, ReplyError};

/// Asks Redis how it is doing.
#[derive(Clone, Debug)]
pub struct Info;

/// What Redis says of itself: lines of `name:value` under headings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sections(String);

impl Sections {
    /// The value of a line, such as `used_memory` (bytes) or `uptime_in_seconds`.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(str::trim)
    }
}

impl Command for Info {
    type Reply = Sections;

    fn arguments(&self) -> Arguments {
        Arguments::of("INFO")
    }

    fn repeat(&self) -> Repeat {
        Repeat::Safe
    }

    fn decode(reply: Reply) -> Result<Self::Reply, ReplyError> {
        reply.text().map(Sections)
    }
}
