//! PTTL: how long a key has to live.

use std::time::Duration;

use super::{Command, Repeat};
use crate::arguments::Arguments;
use crate::keys::Key;
use crate::reply::{Reply, ReplyError};

/// Reads how long a key has to live.
#[derive(Clone, Debug)]
pub struct PTtl {
    key: Key,
}

/// How long a key has to live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remaining {
    /// There is no such key.
    NoKey,
    /// It lives until it is deleted.
    Forever,
    /// This long.
    For(Duration),
}

impl PTtl {
    /// Reads the remaining life of `key`.
    pub fn new(key: &Key) -> PTtl {
        PTtl { key: key.clone() }
    }
}

impl Command for PTtl {
    type Reply = Remaining;

    fn arguments(&self) -> Arguments {
        Arguments::of("PTTL").key(&self.key)
    }

    fn repeat(&self) -> Repeat {
        Repeat::Safe
    }

    fn decode(reply: Reply) -> Result<Self::Reply, ReplyError> {
        match reply.int()? {
            -2 => Ok(Remaining::NoKey),
            -1 => Ok(Remaining::Forever),
            millis => Ok(Remaining::For(Duration::from_millis(u64::try_from(millis).unwrap_or(0)))),
        }
    }
}
