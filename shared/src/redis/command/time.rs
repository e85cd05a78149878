//! TIME: what Redis takes for now.

use super::{Command, Repeat};
use crate::micros::Micros;
use crate::redis::arguments::Arguments;
use crate::redis::reply::{Reply, ReplyError};

/// Reads Redis's clock.
#[derive(Clone, Debug)]
pub struct Time;

impl Command for Time {
    type Reply = Micros;

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
                Ok(Micros(secs.saturating_mul(1_000_000).saturating_add(micros)))
            }
            _ => Err(ReplyError::Content { expected: "seconds and microseconds" }),
        }
    }
}
