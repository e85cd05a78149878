//! Each command gets its own reply.

use bytes::Bytes;

use super::*;
use crate::request;

const LIMIT: usize = 100;
const READING: Reading<'_> = Reading { limit: LIMIT, engine: "Redis 7.0.15" };

fn forwarded(line: &str, metering: Metering) -> Step {
    let arguments = request::arguments(line.split(' '));
    Step::Forwarded { arguments, view: View::AsIs, metering, is_script: metering != Metering::Off }
}

fn queued() -> Reply {
    Reply::Simple(Bytes::from_static(b"QUEUED"))
}

fn lines(commands: &[Arguments]) -> Vec<String> {
    commands.iter().map(|command| String::from_utf8(command.join(&b' ')).unwrap()).collect()
}

#[test]
fn a_pipeline_with_answered_and_counted_commands_keeps_its_order() {
    let steps = vec![
        forwarded("GET a", Metering::Off),
        Step::Answered(Reply::error("ERR no")),
        forwarded("EVAL x 0", Metering::Script),
        forwarded("INCR b", Metering::Off),
    ];
    let sent = lines(&pipeline_commands(&steps));
    let expected = ["GET a", "MULTI", "INFO stats", "EVAL x 0", "INFO stats", "EXEC", "INCR b"];
    assert_eq!(sent, expected);
    let info = |processed: u64| Reply::Bulk(format!("total_commands_processed:{processed}\r\n").into());
    let replies = vec![
        Reply::Nil,
        Reply::ok(),
        queued(),
        queued(),
        queued(),
        Reply::Array(vec![info(10), Reply::Integer(7), info(15)]),
        Reply::Integer(1),
    ];
    let executed = read_pipeline(steps, replies, READING);
    let expected = vec![Reply::Nil, Reply::error("ERR no"), Reply::Integer(7), Reply::Integer(1)];
    assert_eq!(executed, Executed { replies: expected, billed: 1 + (1 + 3) + 1 });
}

#[test]
fn a_discarded_transaction_is_one_error() {
    let steps = vec![forwarded("GET", Metering::Off), forwarded("foo", Metering::Off)];
    assert_eq!(lines(&transaction_commands(&steps)), ["MULTI", "GET", "foo", "EXEC"]);
    let arity = Reply::error("ERR wrong number of arguments for 'get' command");
    let replies = vec![
        Reply::ok(),
        arity.clone(),
        Reply::error("ERR unknown command 'foo'"),
        Reply::error("EXECABORT"),
    ];
    assert_eq!(read_transaction(steps, replies, READING), Err(arity));
}

#[test]
fn a_transaction_keeps_the_errors_of_its_commands() {
    let steps = vec![forwarded("INCR a", Metering::Off), Step::Answered(Reply::ok())];
    let error = Reply::error("WRONGTYPE x");
    let replies = vec![Reply::ok(), queued(), Reply::Array(vec![error.clone()])];
    let executed = read_transaction(steps, replies, READING).unwrap();
    assert_eq!(executed, Executed { replies: vec![error, Reply::ok()], billed: 1 });
}

#[test]
fn errors_of_the_engine_have_the_services_text() {
    let read = |text: &str| {
        read_pipeline(vec![forwarded("foo a", Metering::Off)], vec![Reply::error(text)], READING).replies
    };
    assert_eq!(read("ERR unknown command 'foo'"), [crate::command::unavailable("FOO")]);
    assert_eq!(
        read("ERR value is not an integer or out of range"),
        [Reply::error("ERR value is not an int or out of range")]
    );
}

#[test]
fn a_reply_over_the_limit_is_an_error() {
    let read = |bytes: usize| {
        let reply = Reply::Array(vec![Reply::Bulk(vec![b'x'; bytes].into())]);
        read_pipeline(vec![forwarded("LRANGE l 0 1", Metering::Off)], vec![reply], READING).replies
    };
    assert!(matches!(read(LIMIT)[..], [Reply::Array(_)]));
    assert_eq!(read(LIMIT + 1), [Reply::error(too_large(LIMIT, LIMIT + 1))]);
}
