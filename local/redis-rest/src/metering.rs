//! How many commands a script runs: the service bills a script as one and each of its commands as one.
//!
//! Redis counts all commands, those of scripts among them, so the script runs in a transaction between two
//! questions for that number. Nothing can come between, so the difference is this script's alone. An
//! engine that does not count them (meebis) gets the script's text wrapped: it counts its own calls, into a
//! key that the same transaction reads and removes.

use bytes::Bytes;

use crate::connection::ExchangeError;
use crate::pool::Pool;
use crate::request::Arguments;
use crate::resp::Reply;

/// The key that a wrapped script counts into. No other exchange ever sees it.
const CALLS_KEY: &str = "redis-rest:calls-of-this-script";
/// What stands before a wrapped script's text, on the text's first line, so that errors name the same lines.
const BEFORE: &str = "local __calls, __redis = 0, redis local redis = setmetatable({\
     call = function(...) __calls = __calls + 1 return __redis.call(...) end, \
     pcall = function(...) __calls = __calls + 1 return __redis.pcall(...) end}, {__index = __redis}) \
     local function __script() ";
/// The line of [`INFO stats`](stats) that is asked for.
const PROCESSED: &str = "total_commands_processed:";
/// The difference that two questions with a script between them make by themselves: the first question and
/// the script.
const PROCESSED_BY_US: u64 = 2;

/// How scripts are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Metering {
    /// Not at all: a script is one command.
    Off,
    /// The engine counts.
    Stats,
    /// The script counts.
    Wrapped,
}

impl Metering {
    /// Finds out which way works with this engine.
    pub(crate) async fn detect(pool: &Pool) -> Result<Metering, ExchangeError> {
        let script = words(["EVAL", "return redis.call('PING')", "0"]);
        let replies = pool.exchange(&transaction([stats(), script, stats()])).await?;
        let inner = match replies.last() {
            Some(Reply::Array(items)) => difference(items),
            _ => None,
        };
        Ok(if inner == Some(1) { Metering::Stats } else { Metering::Wrapped })
    }

    /// The text that the engine gets for a script.
    pub(crate) fn wrap(self, text: Bytes) -> Bytes {
        if self != Metering::Wrapped {
            return text;
        }
        let after = format!(
            "\nend local __ok, __value = pcall(__script) __redis.call('SET', '{CALLS_KEY}', __calls) \
             if not __ok then error(__value, 0) end return __value"
        );
        [BEFORE.as_bytes(), &text, after.as_bytes()].concat().into()
    }

    /// The commands that run a script and count it, all within one transaction.
    pub(crate) fn surround(self, script: Arguments) -> Vec<Arguments> {
        match self {
            Metering::Off => vec![script],
            Metering::Stats => vec![stats(), script, stats()],
            Metering::Wrapped => {
                vec![script, words(["GETDEL", CALLS_KEY])]
            }
        }
    }

    /// How many commands that is.
    pub(crate) fn length(self) -> usize {
        match self {
            Metering::Off => 1,
            Metering::Stats => 3,
            Metering::Wrapped => 2,
        }
    }

    /// The script's own reply, and how many commands it ran, from the replies to all of them.
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

/// MULTI and EXEC around commands.
pub(crate) fn transaction(commands: impl IntoIterator<Item = Arguments>) -> Vec<Arguments> {
    std::iter::once(words(["MULTI"])).chain(commands).chain(std::iter::once(words(["EXEC"]))).collect()
}

fn stats() -> Arguments {
    words(["INFO", "stats"])
}

/// The commands between two answers to [`stats`], without the two that are no script's.
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

fn words<const N: usize>(words: [&'static str; N]) -> Arguments {
    words.map(|word| Bytes::from_static(word.as_bytes())).to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn info(processed: u64) -> Reply {
        let text = format!("# Stats\r\ntotal_connections_received:9\r\n{PROCESSED}{processed}\r\n");
        Reply::Bulk(text.into())
    }

    #[test]
    fn the_engines_own_count_leaves_out_what_is_no_scripts() {
        let replies = vec![info(10), Reply::Integer(7), info(15)];
        assert_eq!(Metering::Stats.read(replies), (Reply::Integer(7), 3));
        assert_eq!(Metering::Stats.read(vec![info(10), Reply::Nil, info(12)]), (Reply::Nil, 0));
    }

    #[test]
    fn a_wrapped_scripts_count_is_the_second_reply() {
        let replies = vec![Reply::error("ERR no"), Reply::Bulk("4".into())];
        assert_eq!(Metering::Wrapped.read(replies), (Reply::error("ERR no"), 4));
        // A script that is not compiled counts nothing.
        assert_eq!(Metering::Wrapped.read(vec![Reply::error("ERR no"), Reply::Nil]).1, 0);
    }

    #[test]
    fn a_wrapped_text_begins_on_the_same_line() {
        let wrapped = Metering::Wrapped.wrap(Bytes::from_static(b"\nreturn 1 -- end"));
        let text = String::from_utf8(wrapped.to_vec()).unwrap();
        assert_eq!(text.lines().nth(1), Some("return 1 -- end"));
        assert_eq!(Metering::Stats.wrap(Bytes::from_static(b"return 1")), "return 1");
    }

    #[test]
    fn as_many_replies_are_read_as_commands_are_sent() {
        for metering in [Metering::Off, Metering::Stats, Metering::Wrapped] {
            assert_eq!(metering.surround(vec![]).len(), metering.length());
        }
    }
}
