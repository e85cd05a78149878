//! What the read-only token permits: what the engine itself calls `readonly`, and a few commands that touch
//! no data.
//!
//! SCAN and KEYS are refused, as the documentation says, though they only read; so is PUBLISH. EVAL_RO is
//! permitted where the engine marks it, that is, where it keeps such scripts from writing. For an engine
//! that tells no flags (meebis) there is a list, without EVAL_RO.

use std::collections::HashSet;

use bytes::Bytes;

use crate::command;
use crate::connection::ExchangeError;
use crate::pool::Pool;
use crate::request::Arguments;
use crate::resp::Reply;

/// They touch no data.
const HARMLESS: [&str; 6] = ["COMMAND", "ECHO", "INFO", "LASTSAVE", "PING", "TIME"];
/// They only read, and are refused all the same.
const POWERFUL: [&str; 2] = ["KEYS", "SCAN"];
/// What a Redis marks as `readonly`, for engines that mark nothing.
const UNMARKED: &str = "BITCOUNT BITFIELD_RO BITPOS DBSIZE DUMP EXISTS EXPIRETIME GEODIST GEOHASH GEOPOS \
     GEORADIUSBYMEMBER_RO GEORADIUS_RO GEOSEARCH GET GETBIT GETRANGE HEXISTS HGET HGETALL HKEYS HLEN HMGET \
     HRANDFIELD HSCAN HSTRLEN HVALS LCS LINDEX LLEN LPOS LRANGE MEMORY MGET OBJECT PEXPIRETIME PFCOUNT PTTL \
     RANDOMKEY SCARD SDIFF SINTER SINTERCARD SISMEMBER SMEMBERS SMISMEMBER SORT_RO SRANDMEMBER SSCAN STRLEN \
     SUBSTR SUNION TOUCH TTL TYPE XINFO XLEN XPENDING XRANGE XREAD XREVRANGE ZCARD ZCOUNT ZDIFF ZINTER \
     ZINTERCARD ZLEXCOUNT ZMSCORE ZRANDMEMBER ZRANGE ZRANGEBYLEX ZRANGEBYSCORE ZRANK ZREVRANGE \
     ZREVRANGEBYLEX ZREVRANGEBYSCORE ZREVRANK ZSCAN ZSCORE ZUNION";

/// The commands that only read, `OBJECT|ENCODING` for one with a second word.
#[derive(Debug)]
pub(crate) struct ReadOnlyCommands(HashSet<String>);

impl ReadOnlyCommands {
    /// Asks the engine.
    pub(crate) async fn load(pool: &Pool) -> Result<ReadOnlyCommands, ExchangeError> {
        let replies = pool.exchange(&[vec![Bytes::from_static(b"COMMAND")]]).await?;
        let mut marked = HashSet::new();
        for reply in &replies {
            collect(reply, &mut marked);
        }
        if marked.is_empty() {
            marked = UNMARKED.split(' ').map(str::to_owned).collect();
        }
        Ok(ReadOnlyCommands(marked))
    }

    /// Whether the command is permitted.
    pub(crate) fn permit(&self, arguments: &Arguments) -> bool {
        let name = command::name(arguments);
        let second = arguments.get(1).map(|word| String::from_utf8_lossy(word).to_uppercase());
        let whole = format!("{name}|{}", second.unwrap_or_default());
        !POWERFUL.contains(&name.as_str())
            && (HARMLESS.contains(&name.as_str()) || self.0.contains(&name) || self.0.contains(&whole))
    }

    /// What is said to a command that is not.
    pub(crate) fn refusal(arguments: &Arguments) -> Reply {
        let name = command::name(arguments).to_lowercase();
        Reply::error(format!("NOPERM this user has no permissions to run the '{name}' command"))
    }
}

/// An entry of COMMAND is its name, arity, flags, and among others those of its second words.
fn collect(entries: &Reply, marked: &mut HashSet<String>) {
    let Reply::Array(entries) = entries else { return };
    for entry in entries {
        let Reply::Array(parts) = entry else { continue };
        let name = parts.first().and_then(Reply::text);
        let is_marked = match parts.get(2) {
            Some(Reply::Array(flags)) => {
                flags.iter().any(|flag| flag.text().is_some_and(|it| it == "readonly"))
            }
            _ => false,
        };
        marked.extend(name.filter(|_| is_marked).map(|name| String::from_utf8_lossy(name).to_uppercase()));
        for part in parts.iter().skip(3) {
            collect(part, marked);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arguments(line: &str) -> Arguments {
        line.split(' ').map(|word| word.to_owned().into()).collect()
    }

    fn entry(name: &str, flags: &[&str], rest: Vec<Reply>) -> Reply {
        let text = |text: &str| Reply::Bulk(text.to_owned().into());
        let flags = flags.iter().map(|flag| Reply::Simple((*flag).to_owned().into())).collect();
        let mut parts = vec![text(name), Reply::Integer(2), Reply::Array(flags), Reply::Integer(1)];
        parts.extend(rest);
        Reply::Array(parts)
    }

    #[test]
    fn the_flags_of_the_engine_decide() {
        let second = entry("object|encoding", &["readonly"], vec![]);
        let entries = Reply::Array(vec![
            entry("get", &["readonly", "fast"], vec![]),
            entry("set", &["write"], vec![]),
            entry("scan", &["readonly"], vec![]),
            entry("object", &[], vec![Reply::Array(vec![second])]),
        ]);
        let mut marked = HashSet::new();
        collect(&entries, &mut marked);
        let commands = ReadOnlyCommands(marked);
        for (line, permitted) in [
            ("get a", true),
            ("OBJECT encoding a", true),
            ("ping", true),
            ("OBJECT freq a", false),
            ("SET a 1", false),
            ("SCAN 0", false),
            ("unknown", false),
        ] {
            assert_eq!(commands.permit(&arguments(line)), permitted, "{line}");
        }
    }

    #[test]
    fn a_refusal_names_the_command() {
        let expected = "NOPERM this user has no permissions to run the 'set' command";
        assert_eq!(ReadOnlyCommands::refusal(&arguments("SET a 1")), Reply::error(expected));
    }
}
