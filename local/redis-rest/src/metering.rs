//! Counts the commands that a script runs: the service bills a script as one command and each of its commands
//! as one more.
//!
//! Redis counts all commands, including those of scripts. The script therefore runs in a transaction between
//! two reads of that counter; nothing else runs in between, so the difference belongs to the script. A
//! guarded script asks COMMAND for the keys of each of its commands; those questions are counted too, and
//! subtracted.

use crate::request::{Arguments, arguments};
use crate::resp::Reply;

/// The line of INFO with the counter.
const PROCESSED: &str = "total_commands_processed:";
/// How the lines of INFO begin that count the calls of COMMAND and its subcommands.
const QUESTIONS: &str = "cmdstat_command";
/// What stands before the number of calls in those lines.
const CALLS: &str = "calls=";
/// How far the counter moves without the script's commands: by the first INFO and by the script itself.
const PROCESSED_BY_US: u64 = 2;

/// How the commands of a script are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Metering {
    /// Not at all: a script is one command.
    Off,
    /// By the counter of all commands.
    Script,
    /// By that counter without the guard's questions. Functions, too: some may be guarded.
    Guarded,
}

impl Metering {
    /// The commands that run a script and count it, for one transaction.
    pub(crate) fn surround(self, script: Arguments) -> Vec<Arguments> {
        match self {
            Metering::Off => vec![script],
            Metering::Script => vec![info("stats"), script, info("stats")],
            // Several sections in one INFO are newer than some engines.
            Metering::Guarded => vec![info("all"), script, info("all")],
        }
    }

    pub(crate) fn length(self) -> usize {
        if self == Metering::Off { 1 } else { 3 }
    }

    /// The script's own reply and the number of commands it ran, from the replies to those commands.
    pub(crate) fn read(self, mut replies: Vec<Reply>) -> (Reply, u64) {
        if self == Metering::Off {
            return (replies.pop().unwrap_or(Reply::Nil), 0);
        }
        let inner = difference(&replies).unwrap_or(0);
        (replies.into_iter().nth(1).unwrap_or(Reply::Nil), inner)
    }
}

pub(crate) fn transaction(commands: impl IntoIterator<Item = Arguments>) -> Vec<Arguments> {
    std::iter::once(arguments(["MULTI"]))
        .chain(commands)
        .chain(std::iter::once(arguments(["EXEC"])))
        .collect()
}

fn info(section: &str) -> Arguments {
    arguments(["INFO", section])
}

/// The number of commands of a script, from the INFO before and after it.
fn difference(items: &[Reply]) -> Option<u64> {
    let (before, after) = (commands(items.first()?)?, commands(items.last()?)?);
    after.checked_sub(before)?.checked_sub(PROCESSED_BY_US)
}

/// All commands so far, but the guard's questions where INFO shows them.
fn commands(info: &Reply) -> Option<u64> {
    let text = std::str::from_utf8(info.text()?).ok()?;
    let processed: u64 = text.lines().find_map(|line| line.strip_prefix(PROCESSED))?.trim().parse().ok()?;
    let questions = text.lines().filter(|line| line.starts_with(QUESTIONS)).filter_map(calls).sum();
    processed.checked_sub(questions)
}

/// The calls in `cmdstat_command|getkeys:calls=3,usec=…`.
fn calls(line: &str) -> Option<u64> {
    line.split_once(CALLS)?.1.split(',').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn info(processed: u64, rest: &str) -> Reply {
        let text = format!("# Stats\r\ntotal_connections_received:9\r\n{PROCESSED}{processed}\r\n{rest}");
        Reply::Bulk(text.into())
    }

    #[test]
    fn the_engines_counter_leaves_out_our_own_commands() {
        let replies = vec![info(10, ""), Reply::Integer(7), info(15, "")];
        assert_eq!(Metering::Script.read(replies), (Reply::Integer(7), 3));
        assert_eq!(Metering::Script.read(vec![info(10, ""), Reply::Nil, info(12, "")]), (Reply::Nil, 0));
    }

    #[test]
    fn the_questions_of_a_guard_are_not_counted() {
        let before = info(10, "cmdstat_get:calls=9,usec=1\r\ncmdstat_command|getkeys:calls=1,usec=2\r\n");
        let after = "cmdstat_command|getkeys:calls=3,usec=4\r\ncmdstat_command|info:calls=1,usec=1\r\n";
        let replies = vec![before, Reply::Integer(7), info(18, after)];
        assert_eq!(Metering::Guarded.read(replies), (Reply::Integer(7), 3));
    }

    #[test]
    fn length_is_the_number_of_commands_sent() {
        for metering in [Metering::Off, Metering::Script, Metering::Guarded] {
            assert_eq!(metering.surround(vec![]).len(), metering.length());
        }
    }
}
