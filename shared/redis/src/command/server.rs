//! Commands about the server.

use super::Command;
use crate::arguments::Arguments;
use crate::keys::Key;
use crate::reply::{Reply, ReplyError};

/// PING: checks that Redis answers.
pub fn ping() -> Command<()> {
    Command::idempotent(Arguments::new("PING"), |reply| match reply {
        Reply::Bytes(text) if text == b"PONG" => Ok(()),
        found => Err(ReplyError::Shape { expected: "PONG", found }),
    })
}

/// The reply to INFO: lines of `name:value` under headings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sections(String);

impl Sections {
    /// The value of a line, such as `used_memory` (bytes) or `uptime_in_seconds`.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(str::trim)
    }
}

/// INFO: reads the server's figures.
pub fn info() -> Command<Sections> {
    Command::idempotent(Arguments::new("INFO"), |reply| reply.text().map(Sections))
}

/// MEMORY USAGE: reads the bytes that a key uses; `None` if it does not exist.
pub fn memory_usage(key: &Key) -> Command<Option<u64>> {
    Command::idempotent(Arguments::new("MEMORY").with("USAGE").key(key), |reply| match reply {
        Reply::Nil => Ok(None),
        bytes => bytes.count().map(Some),
    })
}
