//! The commands that the read-only token permits: those that the engine marks as `readonly`, and a few that
//! touch no data.
//!
//! SCAN, KEYS and PUBLISH are refused, as the documentation says. EVAL_RO is permitted where the engine marks
//! it, which means that the engine keeps such scripts from writing. meebis marks nothing; for it there is a
//! list, without EVAL_RO.

use std::collections::HashSet;

use crate::command;
use crate::connection::{ExchangeError, Pool};
use crate::request::{self, Arguments};
use crate::resp::Reply;

/// Commands that touch no data.
const HARMLESS: [&str; 6] = ["COMMAND", "ECHO", "INFO", "LASTSAVE", "PING", "TIME"];
/// Commands that only read and are refused all the same.
const REFUSED: [&str; 2] = ["KEYS", "SCAN"];
/// The commands that a Redis marks as `readonly`, for an engine that marks nothing.
const UNMARKED: &str = "BITCOUNT BITFIELD_RO BITPOS DBSIZE DUMP EXISTS EXPIRETIME GEODIST GEOHASH GEOPOS \
     GEORADIUSBYMEMBER_RO GEORADIUS_RO GEOSEARCH GET GETBIT GETRANGE HEXISTS HGET HGETALL HKEYS HLEN HMGET \
     HRANDFIELD HSCAN HSTRLEN HVALS LCS LINDEX LLEN LPOS LRANGE MEMORY MGET OBJECT PEXPIRETIME PFCOUNT PTTL \
     RANDOMKEY SCARD SDIFF SINTER SINTERCARD SISMEMBER SMEMBERS SMISMEMBER SORT_RO SRANDMEMBER SSCAN STRLEN \
     SUBSTR SUNION TOUCH TTL TYPE XINFO XLEN XPENDING XRANGE XREAD XREVRANGE ZCARD ZCOUNT ZDIFF ZINTER \
     ZINTERCARD ZLEXCOUNT ZMSCORE ZRANDMEMBER ZRANGE ZRANGEBYLEX ZRANGEBYSCORE ZRANK ZREVRANGE \
     ZREVRANGEBYLEX ZREVRANGEBYSCORE ZREVRANK ZSCAN ZSCORE ZUNION";

/// Names of the commands that only read; `OBJECT|ENCODING` for a subcommand.
#[derive(Debug)]
pub(crate) struct ReadOnlyCommands(HashSet<String>);

impl ReadOnlyCommands {
    /// Asks the engine by COMMAND.
    pub(crate) async fn load(pool: &Pool) -> Result<ReadOnlyCommands, ExchangeError> {
        let replies = pool.exchange(&[request::arguments(["COMMAND"])]).await?;
        let mut marked = HashSet::new();
        for reply in &replies {
            collect(reply, &mut marked);
        }
        if marked.is_empty() {
            marked = UNMARKED.split(' ').map(str::to_owned).collect();
        }
        Ok(ReadOnlyCommands(marked))
    }

    pub(crate) fn permits(&self, arguments: &Arguments) -> bool {
        let name = command::name(arguments);
        let subcommand = arguments.get(1).map(|word| String::from_utf8_lossy(word).to_uppercase());
        let full_name = format!("{name}|{}", subcommand.unwrap_or_default());
        !REFUSED.contains(&name.as_str())
            && (HARMLESS.contains(&name.as_str()) || self.0.contains(&name) || self.0.contains(&full_name))
    }

    /// The error for a command that is not permitted.
    pub(crate) fn refusal(arguments: &Arguments) -> Reply {
        let name = command::name(arguments).to_lowercase();
        Reply::error(format!("NOPERM this user has no permissions to run the '{name}' command"))
    }
}

/// Collects the marked names. An entry of COMMAND holds a name, arity, flags, and further on its subcommands.
fn collect(entries: &Reply, marked: &mut HashSet<String>) {
    let Reply::Array(entries) = entries else { return };
    for entry in entries {
        let Reply::Array(parts) = entry else { continue };
        let name = parts.first().and_then(Reply::text);
        let is_marked = match parts.get(2) {
            Some(Reply::Array(flags)) => {
                flags.iter().any(|flag| flag.text().is_some_and(|flag| flag == "readonly"))
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
        request::arguments(line.split(' '))
    }

    fn entry(name: &str, flags: &[&str], rest: Vec<Reply>) -> Reply {
        let text = |text: &str| Reply::Bulk(text.to_owned().into());
        let flags = flags.iter().map(|flag| Reply::Simple((*flag).to_owned().into())).collect();
        let mut parts = vec![text(name), Reply::Integer(2), Reply::Array(flags), Reply::Integer(1)];
        parts.extend(rest);
        Reply::Array(parts)
    }

    #[test]
    fn the_engines_flags_decide() {
        let subcommand = entry("object|encoding", &["readonly"], vec![]);
        let entries = Reply::Array(vec![
            entry("get", &["readonly", "fast"], vec![]),
            entry("set", &["write"], vec![]),
            entry("scan", &["readonly"], vec![]),
            entry("object", &[], vec![Reply::Array(vec![subcommand])]),
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
            assert_eq!(commands.permits(&arguments(line)), permitted, "{line}");
        }
    }

    #[test]
    fn a_refusal_names_the_command() {
        let expected = "NOPERM this user has no permissions to run the 'set' command";
        assert_eq!(ReadOnlyCommands::refusal(&arguments("SET a 1")), Reply::error(expected));
    }
}
