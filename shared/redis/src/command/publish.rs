//! PUBLISH: a message to who listens.

use super::{Command, Repeat};
use crate::arguments::Arguments;
use crate::keys::Key;
use crate::reply::{Reply, ReplyError};
use crate::value::Value;

/// Tells who listens to a channel; answers how many heard it.
#[derive(Clone, Debug)]
pub struct Publish {
    channel: Key,
    message: Value,
}

impl Publish {
    /// Says `message` on `channel`.
    pub fn new(channel: &Key, message: Value) -> Publish {
        Publish { channel: channel.clone(), message }
    }
}

impl Command for Publish {
    type Reply = u64;

    fn arguments(&self) -> Arguments {
        Arguments::of("PUBLISH").key(&self.channel).value(&self.message)
    }

    fn repeat(&self) -> Repeat {
        Repeat::Unsafe
    }

    fn decode(reply: Reply) -> Result<Self::Reply, ReplyError> {
        reply.count()
    }
}
