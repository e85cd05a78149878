//! Decides by its name whether a command reaches the engine, or is answered or refused here.
//!
//! The documentation lists the commands that do not work over REST (REST API, "REST - Redis API
//! Compatibility"): blocking ones, WATCH, and all that act on a connection except PING and ECHO. The error
//! texts are the service's. `CLIENT SETINFO`, which the published client sends, is answered here: connections
//! are shared, so there is nothing to set.

use crate::request::Arguments;
use crate::resp::Reply;

/// Commands that would change, block or end a shared connection.
const NOT_IN_REST: &str = "ASKING AUTH BLMOVE BLMPOP BLPOP BRPOP BRPOPLPUSH BZMPOP BZPOPMAX BZPOPMIN CLIENT \
     DISCARD EXEC HELLO MONITOR MULTI PSUBSCRIBE PUNSUBSCRIBE QUIT READONLY READWRITE RESET SELECT SPUBLISH \
     SSUBSCRIBE SUBSCRIBE SUNSUBSCRIBE UNSUBSCRIBE UNWATCH WATCH";

/// Commands that would change, stop or move the server. The service has none of them.
const NOT_AVAILABLE: &str = "BGREWRITEAOF BGSAVE CLUSTER DEBUG FAILOVER LATENCY LOLWUT MIGRATE MODULE MOVE \
     PFDEBUG PFSELFTEST PSYNC REPLCONF REPLICAOF RESTORE-ASKING ROLE SAVE SHUTDOWN SLAVEOF SLOWLOG SWAPDB \
     SYNC";

/// Commands that the service has and this server does not. The README lists them.
const SERVICE_ONLY: &str = "ACL WAITAOF";

/// The one parameter that CONFIG GET shows and CONFIG SET changes (commands "CONFIG GET" and "CONFIG SET").
const CONFIG_PARAMETER: &[u8] = b"notify-keyspace-events";

/// The service's text, without the code (REST API, "Pipelining"); Redis says "integer".
pub(crate) const NOT_AN_INT: &str = "value is not an int or out of range";

/// The name in capitals, as the service writes it.
pub(crate) fn name(arguments: &Arguments) -> String {
    arguments.first().map(|name| String::from_utf8_lossy(name).to_uppercase()).unwrap_or_default()
}

/// The second word in capitals: a subcommand where the command has any.
pub(crate) fn subcommand(arguments: &Arguments) -> Vec<u8> {
    arguments.get(1).map(|word| word.to_ascii_uppercase()).unwrap_or_default()
}

/// The reply to a command that must not reach the engine.
pub(crate) fn local_reply(arguments: &Arguments) -> Option<Reply> {
    let name = name(arguments);
    let listed = |list: &str| list.split(' ').any(|listed| listed == name);
    match (name.as_str(), subcommand(arguments).as_slice()) {
        ("CLIENT", b"SETINFO") => Some(Reply::ok()),
        ("CONFIG", b"GET") => None,
        ("CONFIG", b"SET") => refused_parameter(arguments),
        ("CONFIG", _) | ("SCRIPT", b"DEBUG") => Some(unavailable(&name)),
        ("WAIT", _) if arguments.len() == 3 => Some(wait(arguments)),
        ("XREAD" | "XREADGROUP", _) if blocks(arguments) => Some(not_in_rest(&name)),
        _ if listed(NOT_IN_REST) => Some(not_in_rest(&name)),
        _ if listed(NOT_AVAILABLE) => Some(unavailable(&name)),
        _ if listed(SERVICE_ONLY) => Some(service_only(&name)),
        _ => None,
    }
}

/// What CONFIG GET may show of the engine's reply: names and values in turn.
pub(crate) fn shown_parameters(reply: Reply) -> Reply {
    let Reply::Array(items) = reply else { return reply };
    let is_shown =
        |pair: &&[Reply]| pair.first().and_then(Reply::text).is_some_and(|name| name == CONFIG_PARAMETER);
    Reply::Array(items.chunks(2).filter(is_shown).flatten().cloned().collect())
}

/// The error for a command that neither the service nor the server has.
pub(crate) fn unavailable(name: &str) -> Reply {
    Reply::error(format!(
        "ERR Command is not available: '{name}'. \
         See https://upstash.com/docs/redis/overall/rediscompatibility for details"
    ))
}

fn service_only(name: &str) -> Reply {
    Reply::error(format!("ERR '{name}' is not available: the service has it, this local server does not"))
}

fn not_in_rest(name: &str) -> Reply {
    Reply::error(format!("ERR Command \"{name}\" is not allowed in REST or it has a special context path"))
}

/// The error for the first parameter that is fixed. Redis's text; the service's is not documented.
fn refused_parameter(arguments: &Arguments) -> Option<Reply> {
    let parameters = arguments.iter().skip(2).step_by(2);
    let fixed = parameters.into_iter().find(|parameter| !parameter.eq_ignore_ascii_case(CONFIG_PARAMETER))?;
    let fixed = String::from_utf8_lossy(fixed);
    Some(Reply::error(format!("ERR Unknown option or number of arguments for CONFIG SET - '{fixed}'")))
}

/// The number of replicas that acknowledged, which may be lower than asked for (command "WAIT"). The engine
/// has no replica, so there is nothing to wait for.
fn wait(arguments: &Arguments) -> Reply {
    let is_natural =
        |word: &bytes::Bytes| std::str::from_utf8(word).is_ok_and(|word| word.parse::<u32>().is_ok());
    let natural = arguments.iter().skip(1).all(is_natural);
    if natural { Reply::Integer(0) } else { Reply::error(format!("ERR {NOT_AN_INT}")) }
}

/// Whether the options of XREAD or XREADGROUP have a BLOCK. A group, a consumer or a value may have that
/// name.
fn blocks(arguments: &Arguments) -> bool {
    let mut words = arguments.iter().skip(1);
    while let Some(word) = words.next() {
        // How many values follow the option.
        let values = match word.to_ascii_uppercase().as_slice() {
            b"BLOCK" => return true,
            b"STREAMS" => return false,
            b"GROUP" => 2,
            b"COUNT" | b"CLAIM" => 1,
            _ => 0,
        };
        for _ in 0..values {
            words.next();
        }
    }
    false
}

#[cfg(test)]
mod tests;
