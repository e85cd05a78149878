//! TIME: what Redis takes for now.

use super::{Command, Repeat};
use crate::arguments::Arguments;
use crate::reply::{Reply, ReplyError};
use protocol::timestamp::Timestamp;

/// Reads Redis's clock.
#[derive(Clone, Debug)]
pub struct Time;

impl Command for Time {
    type Reply = Timestamp;

    fn arguments(&self) -> Arguments {
        Arguments::of("TIME")
    }

    fn repeat(&self) -> Repeat {
        Repeat::Safe
    }

    fn decode(reply: Reply) -> Result<Self::Reply, ReplyError> {
        let parts = reply.array()?.into_iter().map(Reply::text).collect::<Result<Vec<_>, _>>()?;
        let mut numbers = parts.iter().map(|part| part.parse::<u64>().ok());
        match (numbers.next().flatten(), numbers.next().flatten(), numbers.next()) {
            (Some(secs), Some(micros), None) => {
                Ok(Timestamp(secs.saturating_mul(1_000_000).saturating_add(micros)))
            }
            _ => Err(ReplyError::Content { expected: "seconds and microseconds" }),
        }
    }
}
