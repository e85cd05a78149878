//! Counts the commands that a script runs: the service bills a script as one command and each of its
//! commands as one more.
//!
//! Redis counts all commands, including those of scripts. The script therefore runs in a transaction between
//! two reads of that counter; nothing else runs in between, so the difference belongs to the script. An
//! engine without such a counter (meebis) gets a wrapped script that counts its own calls, into a key that
//! the same transaction reads and removes.

use bytes::Bytes;

use crate::connection::{ExchangeError, Pool};
use crate::request::{Arguments, arguments};
use crate::resp::Reply;

/// The key that a wrapped script counts into. It exists only within one transaction.
const CALLS_KEY: &str = "redis-rest:calls-of-this-script";
/// Precedes the text of a wrapped script on its first line, so that errors name the same lines.
const WRAPPER_HEAD: &str = "local __calls, __redis = 0, redis local redis = setmetatable({\
     call = function(...) __calls = __calls + 1 return __redis.call(...) end, \
     pcall = function(...) __calls = __calls + 1 return __redis.pcall(...) end}, {__index = __redis}) \
     local function __script() ";
/// The line of `INFO stats` with the counter.
const PROCESSED: &str = "total_commands_processed:";
/// How far the counter moves without the script's commands: by the first INFO and by the script itself.
const PROCESSED_BY_US: u64 = 2;

/// How the commands of scripts are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Metering {
    /// Not at all: a script is one command.
    Off,
    /// By the engine's counter.
    Stats,
    /// By the script itself.
    Wrapped,
}

impl Metering {
    /// Finds out whether the engine counts the commands of scripts.
    pub(crate) async fn detect(pool: &Pool) -> Result<Metering, ExchangeError> {
        let script = arguments(["EVAL", "return redis.call('PING')", "0"]);
        let replies = pool.exchange(&transaction([stats(), script, stats()])).await?;
        let inner = match replies.last() {
            Some(Reply::Array(items)) => difference(items),
            _ => None,
        };
        Ok(if inner == Some(1) { Metering::Stats } else { Metering::Wrapped })
    }

    /// The text that the engine gets instead of `text`.
    pub(crate) fn wrap(self, text: Bytes) -> Bytes {
        if self != Metering::Wrapped {
            return text;
        }
        let tail = format!(
            "\nend local __ok, __value = pcall(__script) __redis.call('SET', '{CALLS_KEY}', __calls) \
             if not __ok then error(__value, 0) end return __value"
        );
        [WRAPPER_HEAD.as_bytes(), &text, tail.as_bytes()].concat().into()
    }

    /// The commands that run a script and count it, for one transaction.
    pub(crate) fn surround(self, script: Arguments) -> Vec<Arguments> {
        match self {
            Metering::Off => vec![script],
            Metering::Stats => vec![stats(), script, stats()],
            Metering::Wrapped => vec![script, arguments(["GETDEL", CALLS_KEY])],
        }
    }

    pub(crate) fn length(self) -> usize {
        match self {
            Metering::Off => 1,
            Metering::Stats => 3,
            Metering::Wrapped => 2,
        }
    }

    /// The script's own reply and the number of commands it ran, from the replies to those commands.
    pub(crate) fn read(self, mut replies: Vec<Reply>) -> (Reply, u64) {
        match self {
            Metering::Off => (replies.pop().unwrap_or(Reply::Nil), 0),
            Metering::Stats => {
                let inner = difference(&replies).unwrap_or(0);
                (replies.into_iter().nth(1).unwrap_or(Reply::Nil), inner)
            }
            Metering::Wrapped => {
                let calls = replies.pop().and_then(|reply| number(reply.text()?)).unwrap_or(0);
                (replies.pop().unwrap_or(Reply::Nil), calls)
            }
        }
    }
}

pub(crate) fn transaction(commands: impl IntoIterator<Item = Arguments>) -> Vec<Arguments> {
    std::iter::once(arguments(["MULTI"]))
        .chain(commands)
        .chain(std::iter::once(arguments(["EXEC"])))
        .collect()
}

fn stats() -> Arguments {
    arguments(["INFO", "stats"])
}

/// The number of commands of a script, from the INFO before and after it.
fn difference(items: &[Reply]) -> Option<u64> {
    let processed = |reply: &Reply| {
        let text = std::str::from_utf8(reply.text()?).ok()?;
        let line = text.lines().find_map(|line| line.strip_prefix(PROCESSED))?;
        number(line.as_bytes())
    };
    let (before, after) = (processed(items.first()?)?, processed(items.last()?)?);
    after.checked_sub(before)?.checked_sub(PROCESSED_BY_US)
}

fn number(text: &[u8]) -> Option<u64> {
    std::str::from_utf8(text).ok()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn info(processed: u64) -> Reply {
        let text = format!("# Stats\r\ntotal_connections_received:9\r\n{PROCESSED}{processed}\r\n");
        Reply::Bulk(text.into())
    }

    #[test]
    fn the_engines_counter_leaves_out_our_own_commands() {
        let replies = vec![info(10), Reply::Integer(7), info(15)];
        assert_eq!(Metering::Stats.read(replies), (Reply::Integer(7), 3));
        assert_eq!(Metering::Stats.read(vec![info(10), Reply::Nil, info(12)]), (Reply::Nil, 0));
    }

    #[test]
    fn a_wrapped_script_counts_in_the_second_reply() {
        let replies = vec![Reply::error("ERR no"), Reply::Bulk("4".into())];
        assert_eq!(Metering::Wrapped.read(replies), (Reply::error("ERR no"), 4));
        // A script that does not compile counts nothing.
        assert_eq!(Metering::Wrapped.read(vec![Reply::error("ERR no"), Reply::Nil]).1, 0);
    }

    #[test]
    fn a_wrapped_script_keeps_its_line_numbers() {
        let wrapped = Metering::Wrapped.wrap(Bytes::from_static(b"\nreturn 1 -- end"));
        let text = String::from_utf8(wrapped.to_vec()).unwrap();
        assert_eq!(text.lines().nth(1), Some("return 1 -- end"));
        assert_eq!(Metering::Stats.wrap(Bytes::from_static(b"return 1")), "return 1");
    }

    #[test]
    fn length_is_the_number_of_commands_sent() {
        for metering in [Metering::Off, Metering::Stats, Metering::Wrapped] {
            assert_eq!(metering.surround(vec![]).len(), metering.length());
        }
    }
}
