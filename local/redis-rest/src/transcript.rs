//! Commands on their way to the engine, and their replies on the way back.
//!
//! Pure: it says what is sent and reads what came. A transaction that the engine discards, because it does
//! not know a command or its number of arguments, is answered by one error: the first that it gave.

use std::vec::IntoIter;

use crate::command;
use crate::metering::{Metering, transaction};
use crate::request::Arguments;
use crate::resp::Reply;
use crate::script::Alias;

/// How the engine begins when it does not know a command.
const UNKNOWN_COMMAND: &[u8] = b"ERR unknown command";

/// A command as it was decided upon.
pub(crate) enum Step {
    /// It is answered already.
    Answered(Reply),
    /// The engine answers it.
    Forwarded(Forwarded),
}

/// A command for the engine.
pub(crate) struct Forwarded {
    pub(crate) arguments: Arguments,
    /// What its hash means to the client, if it is a rewritten script.
    pub(crate) alias: Option<Alias>,
    /// How its commands are counted, if it is a script.
    pub(crate) metering: Metering,
}

/// What came of the commands of one request.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) replies: Vec<Reply>,
    /// What the service would bill.
    pub(crate) billed: u64,
}

/// What a pipeline sends: each command for itself, scripts that are counted in transactions of their own.
pub(crate) fn send_pipeline(steps: &[Step]) -> Vec<Arguments> {
    steps.iter().flat_map(Step::alone).collect()
}

/// Reads the replies to [`send_pipeline`]. Replies that exceed the limit become errors.
pub(crate) fn read_pipeline(steps: Vec<Step>, replies: Vec<Reply>, limit: usize) -> Outcome {
    let mut replies = replies.into_iter();
    let mut outcome = Outcome { replies: Vec::with_capacity(steps.len()), billed: 0 };
    for step in steps {
        let (reply, billed) = match step {
            Step::Answered(reply) => (reply, 0),
            Step::Forwarded(forwarded) => {
                let (reply, inner) = forwarded.read_alone(&mut replies);
                (forwarded.restore(reply, limit), inner + 1)
            }
        };
        outcome.replies.push(reply);
        outcome.billed += billed;
    }
    outcome
}

/// What a transaction sends.
pub(crate) fn send_transaction(steps: &[Step]) -> Vec<Arguments> {
    transaction(steps.iter().flat_map(Step::within))
}

/// Reads the replies to [`send_transaction`], or the error for which all of it was discarded.
pub(crate) fn read_transaction(
    steps: Vec<Step>,
    replies: Vec<Reply>,
    limit: usize,
) -> Result<Outcome, Reply> {
    let mut items = executed(replies).map_err(translate)?.into_iter();
    let mut outcome = Outcome { replies: Vec::with_capacity(steps.len()), billed: 0 };
    for step in steps {
        let (reply, billed) = match step {
            Step::Answered(reply) => (reply, 0),
            Step::Forwarded(forwarded) => {
                let (reply, inner) = forwarded.metering.read(take(&mut items, forwarded.metering.length()));
                (forwarded.restore(reply, limit), inner + 1)
            }
        };
        outcome.replies.push(reply);
        outcome.billed += billed;
    }
    Ok(outcome)
}

impl Step {
    fn within(&self) -> Vec<Arguments> {
        match self {
            Step::Answered(_) => Vec::new(),
            Step::Forwarded(forwarded) => forwarded.metering.surround(forwarded.arguments.clone()),
        }
    }

    fn alone(&self) -> Vec<Arguments> {
        match self {
            Step::Forwarded(forwarded) if forwarded.metering != Metering::Off => transaction(self.within()),
            _ => self.within(),
        }
    }
}

impl Forwarded {
    fn read_alone(&self, replies: &mut IntoIter<Reply>) -> (Reply, u64) {
        if self.metering == Metering::Off {
            return self.metering.read(take(replies, 1));
        }
        // With MULTI and EXEC around it.
        match executed(take(replies, self.metering.length() + 2)) {
            Ok(items) => self.metering.read(items),
            Err(error) => (error, 0),
        }
    }

    /// The reply as the client is to see it.
    fn restore(&self, reply: Reply, limit: usize) -> Reply {
        let size = reply.size();
        if size > limit {
            return too_large(limit, size);
        }
        let reply = translate(reply);
        match &self.alias {
            Some(alias) => alias.restore(reply),
            None => reply,
        }
    }
}

/// What is said to a request, and of a reply, beyond the limit: the service counts both.
pub(crate) fn too_large(limit: usize, actual: usize) -> Reply {
    Reply::error(format!(
        "ERR max request size exceeded. Limit: {limit} bytes, Actual: {actual} bytes. \
         See https://upstash.com/docs/redis/troubleshooting/max_request_size_exceeded for details"
    ))
}

/// What EXEC came back with, or why the transaction was discarded.
fn executed(replies: Vec<Reply>) -> Result<Vec<Reply>, Reply> {
    let mut discarded = None;
    for reply in replies {
        match reply {
            Reply::Array(items) => return Ok(items),
            Reply::Error(text) if discarded.is_none() => discarded = Some(Reply::Error(text)),
            _ => {}
        }
    }
    Err(discarded.unwrap_or_else(|| Reply::error("EXECABORT Transaction discarded")))
}

/// A command that the engine does not know, in the words of the service.
fn translate(reply: Reply) -> Reply {
    let Reply::Error(text) = &reply else { return reply };
    let Some(rest) = text.strip_prefix(UNKNOWN_COMMAND) else { return reply };
    // The name stands in quotes, of this sort or that.
    let mut parts = rest.split(|byte| matches!(byte, b'\'' | b'`'));
    match parts.nth(1) {
        Some(name) => command::unavailable(&String::from_utf8_lossy(name).to_uppercase()),
        None => reply,
    }
}

fn take(replies: &mut IntoIter<Reply>, count: usize) -> Vec<Reply> {
    replies.by_ref().take(count).collect()
}

#[cfg(test)]
mod tests;
