//! What becomes of a command by its name: forwarded, answered here, or refused and never forwarded.
//!
//! The documentation lists what does not work over REST (blocking commands, WATCH, all of a connection but
//! PING and ECHO); the two sentences are the service's. `CLIENT SETINFO`, which the published client has,
//! is answered here: connections are shared, so there is nothing to set.

use crate::request::Arguments;
use crate::resp::Reply;

/// Those that would change, block or end a connection which others use.
const NOT_IN_REST: [&str; 32] = [
    "ASKING",
    "AUTH",
    "BLMOVE",
    "BLMPOP",
    "BLPOP",
    "BRPOP",
    "BRPOPLPUSH",
    "BZMPOP",
    "BZPOPMAX",
    "BZPOPMIN",
    "CLIENT",
    "DISCARD",
    "EXEC",
    "HELLO",
    "MONITOR",
    "MULTI",
    "PSUBSCRIBE",
    "PUNSUBSCRIBE",
    "QUIT",
    "READONLY",
    "READWRITE",
    "RESET",
    "SELECT",
    "SPUBLISH",
    "SSUBSCRIBE",
    "SUBSCRIBE",
    "SUNSUBSCRIBE",
    "UNSUBSCRIBE",
    "UNWATCH",
    "WAIT",
    "WAITAOF",
    "WATCH",
];

/// Those that would change, stop or move the server. The service has none of them.
const NOT_AVAILABLE: [&str; 25] = [
    "ACL",
    "BGREWRITEAOF",
    "BGSAVE",
    "CLUSTER",
    "CONFIG",
    "DEBUG",
    "FAILOVER",
    "LATENCY",
    "LOLWUT",
    "MIGRATE",
    "MODULE",
    "MOVE",
    "PFDEBUG",
    "PFSELFTEST",
    "PSYNC",
    "REPLCONF",
    "REPLICAOF",
    "RESTORE-ASKING",
    "ROLE",
    "SAVE",
    "SHUTDOWN",
    "SLAVEOF",
    "SLOWLOG",
    "SWAPDB",
    "SYNC",
];

/// What is to be done with a command.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The engine answers it.
    Forward,
    /// This is the answer.
    Answer(Reply),
}

/// The name in capitals, as the service writes it.
pub(crate) fn name(arguments: &Arguments) -> String {
    arguments.first().map(|name| String::from_utf8_lossy(name).to_uppercase()).unwrap_or_default()
}

/// Judges a command.
pub(crate) fn judge(arguments: &Arguments) -> Verdict {
    let name = name(arguments);
    let second = arguments.get(1).map(|word| word.to_ascii_uppercase()).unwrap_or_default();
    match (name.as_str(), second.as_slice()) {
        ("CLIENT", b"SETINFO") => Verdict::Answer(Reply::ok()),
        ("SCRIPT", b"DEBUG" | b"KILL") | ("FUNCTION", b"KILL") => Verdict::Answer(unavailable(&name)),
        ("XREAD" | "XREADGROUP", _) if blocks(arguments) => Verdict::Answer(not_in_rest(&name)),
        (name, _) if NOT_IN_REST.contains(&name) => Verdict::Answer(not_in_rest(name)),
        (name, _) if NOT_AVAILABLE.contains(&name) => Verdict::Answer(unavailable(name)),
        _ => Verdict::Forward,
    }
}

/// What a command is told that the server does not have.
pub(crate) fn unavailable(name: &str) -> Reply {
    Reply::error(format!(
        "ERR Command is not available: '{name}'. \
         See https://upstash.com/docs/redis/overall/rediscompatibility for details"
    ))
}

fn not_in_rest(name: &str) -> Reply {
    Reply::error(format!("ERR Command \"{name}\" is not allowed in REST or it has a special context path"))
}

/// Whether BLOCK is among the options, which end at STREAMS.
fn blocks(arguments: &Arguments) -> bool {
    arguments
        .iter()
        .take_while(|word| !word.eq_ignore_ascii_case(b"STREAMS"))
        .any(|word| word.eq_ignore_ascii_case(b"BLOCK"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(line: &str) -> Verdict {
        judge(&line.split(' ').map(|word| word.to_owned().into()).collect())
    }

    fn text(line: &str) -> String {
        match judged(line) {
            Verdict::Answer(Reply::Error(text)) => String::from_utf8(text.to_vec()).unwrap(),
            other => panic!("{line}: {other:?}"),
        }
    }

    #[test]
    fn what_would_wreck_a_shared_connection_is_refused() {
        let expected = "ERR Command \"BLPOP\" is not allowed in REST or it has a special context path";
        assert_eq!(text("blpop a 0"), expected);
        for line in ["SUBSCRIBE a", "multi", "SELECT 1", "CLIENT REPLY OFF", "client tracking on", "CLIENT"] {
            assert!(text(line).contains("not allowed in REST"), "{line}");
        }
    }

    #[test]
    fn what_would_change_the_server_is_not_available() {
        let expected = "ERR Command is not available: 'SHUTDOWN'. \
                        See https://upstash.com/docs/redis/overall/rediscompatibility for details";
        assert_eq!(text("shutdown nosave"), expected);
        for line in ["REPLICAOF a 1", "DEBUG SLEEP 1", "config set a b", "SCRIPT DEBUG YES", "SCRIPT KILL"] {
            assert!(text(line).contains("not available"), "{line}");
        }
    }

    #[test]
    fn only_the_blocking_form_of_xread_is_refused() {
        assert!(text("XREAD COUNT 1 block 0 STREAMS s 0").contains("XREAD"));
        assert_eq!(judged("XREAD STREAMS block 0"), Verdict::Forward);
    }

    #[test]
    fn what_the_published_client_sets_is_answered_here() {
        assert_eq!(judged("client setinfo LIB-NAME x"), Verdict::Answer(Reply::ok()));
        assert_eq!(judged("GET a"), Verdict::Forward);
    }

    #[test]
    fn the_lists_are_in_order_and_do_not_overlap() {
        assert!(NOT_IN_REST.is_sorted() && NOT_AVAILABLE.is_sorted());
        assert!(!NOT_IN_REST.iter().any(|name| NOT_AVAILABLE.contains(name)));
    }
}
