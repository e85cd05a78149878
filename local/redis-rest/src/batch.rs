//! Turns the commands of one request into commands for the engine, and reads the engine's replies; pure.
//!
//! A transaction that the engine discards, because of an unknown command or a wrong number of arguments, has
//! one reply: the first error that the engine gave.

use std::vec::IntoIter;

use crate::error_text::translate;
use crate::metering::{Metering, transaction};
use crate::request::Arguments;
use crate::resp::Reply;
use crate::script::View;

/// One command of a request.
pub(crate) enum Step {
    Answered(Reply),
    /// For the engine. `view` says how its reply is shown, `metering` how a script is counted.
    Forwarded {
        arguments: Arguments,
        view: View,
        metering: Metering,
        is_script: bool,
    },
}

/// What to know for reading replies.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reading<'a> {
    /// A longer reply becomes an error, in bytes.
    pub(crate) limit: usize,
    /// Name and version of the engine.
    pub(crate) engine: &'a str,
}

/// The replies to the commands of one request.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Executed {
    pub(crate) replies: Vec<Reply>,
    /// Commands that the service would bill.
    pub(crate) billed: u64,
}

/// The commands to send for a pipeline. A script that is counted has a transaction of its own.
pub(crate) fn pipeline_commands(steps: &[Step]) -> Vec<Arguments> {
    let alone = |step: &Step| match step {
        Step::Forwarded { metering, .. } if *metering != Metering::Off => transaction(step.commands()),
        _ => step.commands(),
    };
    steps.iter().flat_map(alone).collect()
}

/// Reads the replies to [`pipeline_commands`].
pub(crate) fn read_pipeline(steps: Vec<Step>, replies: Vec<Reply>, reading: Reading<'_>) -> Executed {
    let mut replies = replies.into_iter();
    execute(steps, reading, |metering| {
        if metering == Metering::Off {
            return metering.read(take(&mut replies, 1));
        }
        // With the replies to MULTI and EXEC.
        match exec_items(take(&mut replies, metering.length() + 2)) {
            Ok(items) => metering.read(items),
            Err(error) => (error, 0),
        }
    })
}

pub(crate) fn transaction_commands(steps: &[Step]) -> Vec<Arguments> {
    transaction(steps.iter().flat_map(Step::commands))
}

/// Reads the replies to [`transaction_commands`], or the error for which the engine discarded it.
pub(crate) fn read_transaction(
    steps: Vec<Step>,
    replies: Vec<Reply>,
    reading: Reading<'_>,
) -> Result<Executed, Reply> {
    let discarded = |error| translate(error, reading.engine);
    let mut items = exec_items(replies).map_err(discarded)?.into_iter();
    Ok(execute(steps, reading, |metering| metering.read(take(&mut items, metering.length()))))
}

/// The error for a request or a reply of more than `limit` bytes.
pub(crate) fn too_large(limit: usize, actual: usize) -> String {
    format!(
        "ERR max request size exceeded. Limit: {limit} bytes, Actual: {actual} bytes. \
         See https://upstash.com/docs/redis/troubleshooting/max_request_size_exceeded for details"
    )
}

impl Step {
    /// Whether it may take long in the engine.
    pub(crate) fn is_script(&self) -> bool {
        matches!(self, Step::Forwarded { is_script: true, .. })
    }

    fn commands(&self) -> Vec<Arguments> {
        match self {
            Step::Answered(_) => Vec::new(),
            Step::Forwarded { arguments, metering, .. } => metering.surround(arguments.clone()),
        }
    }
}

/// Collects the replies. `read` takes the reply to the next forwarded command, and the number of commands
/// that it ran as a script.
fn execute(
    steps: Vec<Step>,
    reading: Reading<'_>,
    mut read: impl FnMut(Metering) -> (Reply, u64),
) -> Executed {
    let mut executed = Executed { replies: Vec::with_capacity(steps.len()), billed: 0 };
    for step in steps {
        let reply = match step {
            Step::Answered(reply) => reply,
            Step::Forwarded { view, metering, .. } => {
                let (reply, script_commands) = read(metering);
                executed.billed += 1 + script_commands;
                restore(reply, &view, reading)
            }
        };
        executed.replies.push(reply);
    }
    executed
}

/// The reply as the client expects it.
fn restore(reply: Reply, view: &View, reading: Reading<'_>) -> Reply {
    let reply = view.show(reply);
    let size = reply.size();
    if size > reading.limit {
        return Reply::error(too_large(reading.limit, size));
    }
    translate(reply, reading.engine)
}

/// The items of EXEC's reply, or the first error.
fn exec_items(replies: Vec<Reply>) -> Result<Vec<Reply>, Reply> {
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

fn take(replies: &mut IntoIter<Reply>, count: usize) -> Vec<Reply> {
    replies.by_ref().take(count).collect()
}

#[cfg(test)]
mod tests;
