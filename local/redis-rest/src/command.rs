//! Decides by its name whether a command reaches the engine, or is answered or refused here.
//!
//! The documentation lists the commands that do not work over REST: blocking ones, WATCH, and all that act on
//! a connection except PING and ECHO. Both error texts are the service's. `CLIENT SETINFO`, which the
//! published client sends, is answered here: connections are shared, so there is nothing to set.

use crate::request::Arguments;
use crate::resp::Reply;

/// Commands that would change, block or end a shared connection.
const NOT_IN_REST: &str = "ASKING AUTH BLMOVE BLMPOP BLPOP BRPOP BRPOPLPUSH BZMPOP BZPOPMAX BZPOPMIN CLIENT \
     DISCARD EXEC HELLO MONITOR MULTI PSUBSCRIBE PUNSUBSCRIBE QUIT READONLY READWRITE RESET SELECT SPUBLISH \
     SSUBSCRIBE SUBSCRIBE SUNSUBSCRIBE UNSUBSCRIBE UNWATCH WAIT WAITAOF WATCH";

/// Commands that would change, stop or move the server. The service has none of them.
const NOT_AVAILABLE: &str = "ACL BGREWRITEAOF BGSAVE CLUSTER CONFIG DEBUG FAILOVER LATENCY LOLWUT MIGRATE \
     MODULE MOVE PFDEBUG PFSELFTEST PSYNC REPLCONF REPLICAOF RESTORE-ASKING ROLE SAVE SHUTDOWN SLAVEOF \
     SLOWLOG SWAPDB SYNC";

/// The name in capitals, as the service writes it.
pub(crate) fn name(arguments: &Arguments) -> String {
    arguments.first().map(|name| String::from_utf8_lossy(name).to_uppercase()).unwrap_or_default()
}

/// The reply to a command that must not reach the engine.
pub(crate) fn local_reply(arguments: &Arguments) -> Option<Reply> {
    let name = name(arguments);
    let listed = |list: &str| list.split(' ').any(|listed| listed == name);
    let subcommand = arguments.get(1).map(|word| word.to_ascii_uppercase()).unwrap_or_default();
    match (name.as_str(), subcommand.as_slice()) {
        ("CLIENT", b"SETINFO") => Some(Reply::ok()),
        ("SCRIPT", b"DEBUG" | b"KILL") | ("FUNCTION", b"KILL") => Some(unavailable(&name)),
        ("XREAD" | "XREADGROUP", _) if blocks(arguments) => Some(not_in_rest(&name)),
        _ if listed(NOT_IN_REST) => Some(not_in_rest(&name)),
        _ if listed(NOT_AVAILABLE) => Some(unavailable(&name)),
        _ => None,
    }
}

/// The error for a command that the server does not have.
pub(crate) fn unavailable(name: &str) -> Reply {
    Reply::error(format!(
        "ERR Command is not available: '{name}'. \
         See https://upstash.com/docs/redis/overall/rediscompatibility for details"
    ))
}

fn not_in_rest(name: &str) -> Reply {
    Reply::error(format!("ERR Command \"{name}\" is not allowed in REST or it has a special context path"))
}

/// Whether BLOCK is among the options. They end at STREAMS.
fn blocks(arguments: &Arguments) -> bool {
    arguments
        .iter()
        .take_while(|word| !word.eq_ignore_ascii_case(b"STREAMS"))
        .any(|word| word.eq_ignore_ascii_case(b"BLOCK"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request;

    fn reply(line: &str) -> Option<Reply> {
        local_reply(&request::arguments(line.split(' ')))
    }

    fn error(line: &str) -> String {
        match reply(line) {
            Some(Reply::Error(text)) => String::from_utf8(text.to_vec()).unwrap(),
            other => panic!("{line}: {other:?}"),
        }
    }

    #[test]
    fn commands_that_act_on_a_shared_connection_are_refused() {
        let expected = "ERR Command \"BLPOP\" is not allowed in REST or it has a special context path";
        assert_eq!(error("blpop a 0"), expected);
        for line in ["SUBSCRIBE a", "multi", "SELECT 1", "CLIENT REPLY OFF", "client tracking on", "CLIENT"] {
            assert!(error(line).contains("not allowed in REST"), "{line}");
        }
    }

    #[test]
    fn commands_that_change_the_server_are_not_available() {
        let expected = "ERR Command is not available: 'SHUTDOWN'. \
                        See https://upstash.com/docs/redis/overall/rediscompatibility for details";
        assert_eq!(error("shutdown nosave"), expected);
        for line in ["REPLICAOF a 1", "DEBUG SLEEP 1", "config set a b", "SCRIPT DEBUG YES", "SCRIPT KILL"] {
            assert!(error(line).contains("not available"), "{line}");
        }
    }

    #[test]
    fn only_the_blocking_form_of_xread_is_refused() {
        assert!(error("XREAD COUNT 1 block 0 STREAMS s 0").contains("XREAD"));
        assert_eq!(reply("XREAD STREAMS block 0"), None);
    }

    #[test]
    fn client_setinfo_is_answered_here() {
        assert_eq!(reply("client setinfo LIB-NAME x"), Some(Reply::ok()));
        assert_eq!(reply("GET a"), None);
    }

    #[test]
    fn the_lists_are_sorted_and_do_not_overlap() {
        let [not_in_rest, not_available] =
            [NOT_IN_REST, NOT_AVAILABLE].map(|list| list.split(' ').collect::<Vec<_>>());
        assert!(not_in_rest.is_sorted() && not_available.is_sorted());
        assert!(!not_in_rest.iter().any(|name| not_available.contains(name)));
    }
}
