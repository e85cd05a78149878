//! Which commands are answered here, and how.

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
    for line in ["REPLICAOF a 1", "DEBUG SLEEP 1", "config resetstat", "CONFIG", "SCRIPT DEBUG YES"] {
        assert!(error(line).contains("not available"), "{line}");
    }
}

#[test]
fn commands_that_only_the_service_has_are_named_as_such() {
    for line in ["ACL WHOAMI", "waitaof 0 0 0"] {
        assert!(error(line).contains("the service has it, this local server does not"), "{line}");
    }
}

#[test]
fn a_running_script_may_be_killed() {
    for line in ["SCRIPT KILL", "function kill"] {
        assert_eq!(reply(line), None, "{line}");
    }
}

#[test]
fn only_the_blocking_form_of_xread_is_refused() {
    for line in [
        "XREAD COUNT 1 block 0 STREAMS s 0",
        "XREADGROUP GROUP g c COUNT 1 BLOCK 0 STREAMS s >",
        "xreadgroup block 0 group g c streams s >",
        "XREADGROUP GROUP block block NOACK BLOCK 0 STREAMS s >",
    ] {
        assert!(error(line).contains("not allowed in REST"), "{line}");
    }
    for line in [
        "XREAD STREAMS block 0",
        "XREADGROUP GROUP block c STREAMS s >",
        "XREADGROUP GROUP g BLOCK STREAMS s >",
        "XREADGROUP GROUP g c COUNT block STREAMS s >",
        "XREADGROUP GROUP",
    ] {
        assert_eq!(reply(line), None, "{line}");
    }
}

#[test]
fn only_one_parameter_can_be_configured() {
    assert_eq!(reply("CONFIG GET *"), None);
    assert_eq!(reply("config set Notify-Keyspace-Events KEA"), None);
    assert!(error("CONFIG SET maxmemory 1").ends_with("CONFIG SET - 'maxmemory'"));
    assert!(error("CONFIG SET notify-keyspace-events KEA dir /").ends_with("'dir'"));
    let bulk = |text: &'static str| Reply::Bulk(text.into());
    let pair = [bulk("notify-keyspace-events"), bulk("AK")];
    let all = [&[bulk("maxmemory"), bulk("0")], pair.as_slice(), &[bulk("port"), bulk("1")]].concat();
    assert_eq!(shown_parameters(Reply::Array(all)), Reply::Array(pair.to_vec()));
}

#[test]
fn wait_counts_no_replica_and_does_not_wait() {
    assert_eq!(reply("WAIT 1 0"), Some(Reply::Integer(0)));
    assert_eq!(error("wait x 0"), "ERR value is not an int or out of range");
    assert_eq!(error("wait 1 -1"), "ERR value is not an int or out of range");
    // The engine tells what is wrong.
    assert_eq!(reply("WAIT 1"), None);
}

#[test]
fn client_setinfo_is_answered_here() {
    assert_eq!(reply("client setinfo LIB-NAME x"), Some(Reply::ok()));
    assert_eq!(reply("GET a"), None);
}

#[test]
fn the_lists_are_sorted_and_do_not_overlap() {
    let lists = [NOT_IN_REST, NOT_AVAILABLE, SERVICE_ONLY].map(|list| list.split(' ').collect::<Vec<_>>());
    assert!(lists.iter().all(|list| list.is_sorted()));
    let mut all = lists.concat();
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.len(), lists.iter().map(Vec::len).sum::<usize>());
}
