//! Pipelines, transactions and scripts: whose reply is whose.

use crate::client::Client;
use crate::command::{Get, GetJson, IncrBy};
use crate::error::RedisError;
use crate::fake::{Scripted, Step, key, run};
use crate::pipeline::Pipeline;
use crate::reply::Reply;
use crate::script::Script;

const NO_SCRIPT: &str = r#"{"error":"NOSCRIPT No matching script. Please use EVAL."}"#;

fn evals(service: &Scripted) -> Vec<bool> {
    service.seen().iter().map(|seen| seen.body.contains("\"EVAL\"")).collect()
}

#[test]
fn each_item_has_its_own_reply_or_error_in_its_own_type() {
    let answer =
        r#"[{"result":"YQ=="},{"error":"ERR value is not an integer"},{"result":"W10="},{"result":7}]"#;
    let (_, client) = Scripted::client([Step::ok(answer)]);
    let mut pipeline = Pipeline::new();
    let text = pipeline.push(&Get::new(&key("a")));
    let failed = pipeline.push(&IncrBy::new(&key("a"), 1));
    let json = pipeline.push(&GetJson::<u8>::new(&key("c")));
    let number = pipeline.push(&IncrBy::new(&key("b"), 1));
    let mut replies = run(client.pipeline(&pipeline)).unwrap();
    // In any order.
    assert_eq!(replies.take(number).unwrap(), 7);
    assert!(matches!(replies.take(json), Err(RedisError::Reply(_))));
    assert!(matches!(replies.take(failed), Err(RedisError::Refused(_))));
    assert_eq!(replies.take(text).unwrap().unwrap(), b"a");
}

#[test]
fn a_slot_of_another_pipeline_has_no_reply_here() {
    let (_, client) = Scripted::client([Step::ok(r#"[{"result":1}]"#)]);
    let (mut short, mut long) = (Pipeline::new(), Pipeline::new());
    short.push(&IncrBy::new(&key("a"), 1));
    long.push(&IncrBy::new(&key("a"), 1));
    let foreign = long.push(&IncrBy::new(&key("a"), 1));
    let mut replies = run(client.pipeline(&short)).unwrap();
    assert!(matches!(replies.take(foreign), Err(RedisError::NoReply)));
}

#[test]
fn a_transaction_that_is_refused_has_one_error() {
    let refused = Step::status(400, r#"{"error":"EXECABORT Transaction discarded"}"#);
    let (_, client) = Scripted::client([refused]);
    let mut pipeline = Pipeline::new();
    pipeline.push(&Get::new(&key("a")));
    let error = run(client.transaction(&pipeline)).unwrap_err();
    let text = "failed to run the command: Redis answered EXECABORT Transaction discarded";
    assert_eq!(error.to_string(), text);
}

#[test]
fn too_few_answers_are_nobodys() {
    let (_, client) = Scripted::client([Step::ok("[]")]);
    let mut pipeline = Pipeline::new();
    pipeline.push(&IncrBy::new(&key("a"), 1));
    let error = run(client.pipeline(&pipeline)).unwrap_err();
    assert!(matches!(error, RedisError::Miscounted { answers: 0, commands: 1 }));
}

fn script(client: &Client<Scripted>) -> Result<Reply, RedisError> {
    run(client.run(&Script::once("return 1").call(&[], &[])))
}

#[test]
fn a_script_goes_by_hash_and_with_its_text_only_if_the_hash_is_unknown() {
    let one = || Step::ok(r#"{"result":1}"#);
    let (service, client) = Scripted::client([Step::status(400, NO_SCRIPT), one(), one()]);
    assert_eq!(script(&client).unwrap(), Reply::Int(1));
    assert_eq!(script(&client).unwrap(), Reply::Int(1));
    assert_eq!(evals(&service), [false, true, false]);
    // An unknown hash has run nothing, so this is no repeat. Any other failure of a script that counts is final.
    let (service, client) = Scripted::client([Step::status(400, NO_SCRIPT), Step::BrokeOff]);
    assert!(script(&client).is_err());
    assert_eq!(evals(&service), [false, true]);
    let (service, client) = Scripted::client([Step::status(400, r#"{"error":"ERR Error running script"}"#)]);
    assert!(matches!(script(&client), Err(RedisError::Refused(_))));
    assert_eq!(evals(&service), [false]);
}

#[test]
fn in_a_pipeline_only_the_unknown_scripts_go_again() {
    let first = format!(r#"[{NO_SCRIPT},{{"result":5}},{NO_SCRIPT}]"#);
    let (service, client) = Scripted::client([Step::ok(&first), Step::ok(r#"[{"result":1},{"result":2}]"#)]);
    let mut pipeline = Pipeline::new();
    let one = pipeline.push(&Script::once("return 1").call(&[], &[]));
    let counter = pipeline.push(&IncrBy::new(&key("a"), 1));
    let two = pipeline.push(&Script::once("return 2").call(&[], &[]));
    let mut replies = run(client.pipeline(&pipeline)).unwrap();
    assert_eq!(replies.take(one).unwrap(), Reply::Int(1));
    assert_eq!(replies.take(counter).unwrap(), 5);
    assert_eq!(replies.take(two).unwrap(), Reply::Int(2));
    assert_eq!(service.seen()[1].body, r#"[["EVAL","return 1","0"],["EVAL","return 2","0"]]"#);
}

#[test]
fn in_a_transaction_a_script_goes_with_its_text_at_once() {
    let (service, client) = Scripted::client([Step::ok(r#"[{"result":1}]"#)]);
    let mut pipeline = Pipeline::new();
    pipeline.push(&Script::once("return 1").call(&[], &[]));
    run(client.transaction(&pipeline)).unwrap();
    assert_eq!(evals(&service), [true]);
}
