//! Requests as the service sees them.

use crate::client::{Client, Counts};
use crate::command::{Expiry, get, set};
use crate::error::RedisError;
use crate::fake::{FakeRedis, Seen, Step, TOKEN, key};
use crate::limits::REDIS_REQUEST_BYTES_MAX;
use crate::pipeline::Pipeline;
use crate::value::Value;

fn sync_token(seen: &Seen) -> Option<&str> {
    seen.headers.iter().find(|(name, _)| *name == "upstash-sync-token").map(|(_, value)| value.as_str())
}

fn read(service: &FakeRedis, client: &Client<FakeRedis>) {
    let _ = service.run(client.run(&get(&key("a"))));
}

#[test]
fn one_command_is_one_array_and_only_one_header_holds_the_token() {
    let (service, client) = FakeRedis::scripted([Step::ok(r#"{"result":"OK"}"#)]);
    assert!(service.run(client.run(&set(&key("ä"), &Value::text("\"é\n"), Expiry::Never))).unwrap());
    let [seen] = &service.seen()[..] else { panic!("one request") };
    assert_eq!((seen.path, seen.body.as_str()), ("/", r#"["SET","t:1:cart:2:%C3%A4","\"é\n"]"#));
    let headers = [
        ("authorization", format!("Bearer {TOKEN}")),
        ("content-type", "application/json".to_owned()),
        ("upstash-encoding", "base64".to_owned()),
    ];
    assert_eq!(seen.headers, headers);
}

#[test]
fn several_commands_are_one_array_of_arrays() {
    let answer = || Step::ok(r#"[{"result":null},{"result":null}]"#);
    let (service, client) = FakeRedis::scripted([answer(), answer()]);
    let mut pipeline = Pipeline::new();
    pipeline.push(get(&key("a")));
    pipeline.push(get(&key("b")));
    service.run(client.pipeline(&pipeline)).unwrap();
    service.run(client.transaction(&pipeline)).unwrap();
    for (seen, path) in service.seen().iter().zip(["/pipeline", "/multi-exec"]) {
        assert_eq!(
            (seen.path, seen.body.as_str()),
            (path, r#"[["GET","t:1:cart:2:a"],["GET","t:1:cart:2:b"]]"#)
        );
    }
    assert_eq!(client.health().counts, Counts { requests: 2, commands: 4, failures: 0, repeats: 0 });
}

#[test]
fn an_empty_pipeline_sends_nothing() {
    let (service, client) = FakeRedis::scripted([]);
    service.run(client.pipeline(&Pipeline::new())).unwrap();
    service.run(client.transaction(&Pipeline::new())).unwrap();
    assert_eq!(service.seen(), []);
}

#[test]
fn a_request_that_is_too_large_is_not_sent() {
    let (service, client) = FakeRedis::scripted([]);
    let large = Value::text("x".repeat(REDIS_REQUEST_BYTES_MAX));
    let error = service.run(client.run(&set(&key("a"), &large, Expiry::Never))).unwrap_err();
    assert!(matches!(error, RedisError::TooLarge(_)), "{error:?}");
    assert_eq!(service.seen(), []);
}

#[test]
fn every_clone_sends_the_last_sync_token() {
    let with =
        |status: u16, sync_token| Step::Respond { status, body: r#"{"error":"x"}"#.into(), sync_token };
    let steps = [with(200, Some("one")), with(400, Some("two")), with(200, None), with(401, Some("foreign"))];
    let (service, client) = FakeRedis::scripted(steps.into_iter().chain([Step::string("x")]));
    read(&service, &client);
    let clone = client.clone();
    for client in [&clone, &client, &clone, &client] {
        read(&service, client);
    }
    let tokens: Vec<_> = service.seen().iter().map(|seen| sync_token(seen).map(str::to_owned)).collect();
    let expected = [None, Some("one"), Some("two"), Some("two"), Some("two")];
    assert_eq!(tokens, expected.map(|token| token.map(str::to_owned)));
}

#[test]
fn calls_are_send_if_the_transport_is() {
    fn is_send(_: &impl Send) {}
    let (_, client) = FakeRedis::scripted([]);
    let (command, pipeline) = (get(&key("a")), Pipeline::new());
    is_send(&client.run(&command));
    is_send(&client.pipeline(&pipeline));
    is_send(&client.transaction(&pipeline));
}
