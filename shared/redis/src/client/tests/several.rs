//! Pipelines, transactions and scripts.

use crate::client::Client;
use crate::command::{get, get_json, incr_by};
use crate::error::RedisError;
use crate::fake::{FakeRedis, Step, key};
use crate::pipeline::Pipeline;
use crate::reply::Reply;
use crate::script::Script;

const NO_SCRIPT: &str = r#"{"error":"NOSCRIPT No matching script. Please use EVAL."}"#;

fn evals(service: &FakeRedis) -> Vec<bool> {
    service.seen().iter().map(|seen| seen.body.contains("\"EVAL\"")).collect()
}

#[test]
fn each_command_has_its_own_typed_reply_or_error() {
    let answer =
        r#"[{"result":"YQ=="},{"error":"ERR value is not an integer"},{"result":"W10="},{"result":7}]"#;
    let (service, client) = FakeRedis::scripted([Step::ok(answer)]);
    let mut pipeline = Pipeline::new();
    let text = pipeline.push(get(&key("a")));
    let failed = pipeline.push(incr_by(&key("a"), 1));
    let json = pipeline.push(get_json::<u8>(&key("c")));
    let number = pipeline.push(incr_by(&key("b"), 1));
    let mut replies = service.run(client.pipeline(&pipeline)).unwrap();
    // In any order.
    assert_eq!(replies.take(number).unwrap(), 7);
    assert!(matches!(replies.take(json), Err(RedisError::Reply(_))));
    assert!(matches!(replies.take(failed), Err(RedisError::Refused(_))));
    assert_eq!(replies.take(text).unwrap().unwrap(), b"a");
}

#[test]
fn a_slot_of_another_pipeline_has_no_reply() {
    let (service, client) = FakeRedis::scripted([Step::ok(r#"[{"result":1}]"#)]);
    let (mut short, mut long) = (Pipeline::new(), Pipeline::new());
    short.push(incr_by(&key("a"), 1));
    long.push(incr_by(&key("a"), 1));
    let foreign = long.push(incr_by(&key("a"), 1));
    let mut replies = service.run(client.pipeline(&short)).unwrap();
    assert!(matches!(replies.take(foreign), Err(RedisError::NoReply)));
}

#[test]
fn a_rejected_transaction_is_one_error() {
    let refused = Step::status(400, r#"{"error":"EXECABORT Transaction discarded"}"#);
    let (service, client) = FakeRedis::scripted([refused]);
    let mut pipeline = Pipeline::new();
    pipeline.push(get(&key("a")));
    let error = service.run(client.transaction(&pipeline)).unwrap_err();
    let text = "failed to run the command: Redis answered EXECABORT Transaction discarded";
    assert_eq!(error.to_string(), text);
}

#[test]
fn too_few_replies_are_an_error() {
    let (service, client) = FakeRedis::scripted([Step::ok("[]")]);
    let mut pipeline = Pipeline::new();
    pipeline.push(incr_by(&key("a"), 1));
    let error = service.run(client.pipeline(&pipeline)).unwrap_err();
    assert!(matches!(error, RedisError::Miscounted { answers: 0, commands: 1 }));
}

fn script(service: &FakeRedis, client: &Client<FakeRedis>) -> Result<Reply, RedisError> {
    service.run(client.run(&Script::once("return 1").call(&[], &[])))
}

#[test]
fn a_script_is_sent_with_its_text_only_if_its_hash_is_unknown() {
    let one = || Step::ok(r#"{"result":1}"#);
    let (service, client) = FakeRedis::scripted([Step::status(400, NO_SCRIPT), one(), one()]);
    assert_eq!(script(&service, &client).unwrap(), Reply::Int(1));
    assert_eq!(script(&service, &client).unwrap(), Reply::Int(1));
    assert_eq!(evals(&service), [false, true, false]);
    // With an unknown hash the script has not run, so this is not a repeat. Other failures are final.
    let (service, client) = FakeRedis::scripted([Step::status(400, NO_SCRIPT), Step::BrokeOff]);
    assert!(script(&service, &client).is_err());
    assert_eq!(evals(&service), [false, true]);
    let (service, client) =
        FakeRedis::scripted([Step::status(400, r#"{"error":"ERR Error running script"}"#)]);
    assert!(matches!(script(&service, &client), Err(RedisError::Refused(_))));
    assert_eq!(evals(&service), [false]);
}

#[test]
fn in_a_pipeline_only_unknown_scripts_are_sent_again() {
    let first = format!(r#"[{NO_SCRIPT},{{"result":5}},{NO_SCRIPT}]"#);
    let (service, client) =
        FakeRedis::scripted([Step::ok(&first), Step::ok(r#"[{"result":1},{"result":2}]"#)]);
    let mut pipeline = Pipeline::new();
    let one = pipeline.push(Script::once("return 1").call(&[], &[]));
    let counter = pipeline.push(incr_by(&key("a"), 1));
    let two = pipeline.push(Script::once("return 2").call(&[], &[]));
    let mut replies = service.run(client.pipeline(&pipeline)).unwrap();
    assert_eq!(replies.take(one).unwrap(), Reply::Int(1));
    assert_eq!(replies.take(counter).unwrap(), 5);
    assert_eq!(replies.take(two).unwrap(), Reply::Int(2));
    assert_eq!(service.seen()[1].body, r#"[["EVAL","return 1","0"],["EVAL","return 2","0"]]"#);
}

#[test]
fn in_a_transaction_a_script_is_sent_with_its_text() {
    let (service, client) = FakeRedis::scripted([Step::ok(r#"[{"result":1}]"#)]);
    let mut pipeline = Pipeline::new();
    pipeline.push(Script::once("return 1").call(&[], &[]));
    service.run(client.transaction(&pipeline)).unwrap();
    assert_eq!(evals(&service), [true]);
}
