//! PING: whether anybody is there.

use super::{Command, Repeat};
use crate::arguments::Arguments;
use crate::reply::{Reply, ReplyError};

/// Asks whether Redis is there.
#[derive(Clone, Debug)]
pub struct Ping;

impl Command for Ping {
    type Reply = ();

    fn arguments(&self) -> Arguments {
        Arguments::of("PING")
    }

    fn repeat(&self) -> Repeat {
        Repeat::Safe
    }

    fn decode(reply: Reply) -> Result<Self::Reply, ReplyError> {
        match reply {
            Reply::Bytes(text) if text == b"PONG" => Ok(()),
            found => Err(ReplyError::Shape { expected: "PONG", found }),
        }
    }
}
