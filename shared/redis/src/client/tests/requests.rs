//! Requests as the service sees them.

use crate::client::{Client, Counts};
use crate::command::{Get, Keeping, Set};
use crate::error::RedisError;
use crate::fake::{Scripted, Seen, Step, TOKEN, key, run};
use crate::limits::REDIS_REQUEST_BYTES_MAX;
use crate::pipeline::Pipeline;
use crate::value::Value;

fn sync_token(seen: &Seen) -> Option<&str> {
    seen.headers.iter().find(|(name, _)| *name == "upstash-sync-token").map(|(_, value)| value.as_str())
}

fn get(client: &Client<Scripted>) {
    let _ = run(client.run(&Get::new(&key("a"))));
}

#[test]
fn one_command_is_one_array_and_the_token_is_in_one_header() {
    let (service, client) = Scripted::client([Step::ok(r#"{"result":"OK"}"#)]);
    assert!(run(client.run(&Set::new(&key("ä"), Value::text("\"é\n"), Keeping::Forever))).unwrap());
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
    let (service, client) = Scripted::client([answer(), answer()]);
    let mut pipeline = Pipeline::new();
    pipeline.push(&Get::new(&key("a")));
    pipeline.push(&Get::new(&key("b")));
    run(client.pipeline(&pipeline)).unwrap();
    run(client.transaction(&pipeline)).unwrap();
    for (seen, path) in service.seen().iter().zip(["/pipeline", "/multi-exec"]) {
        assert_eq!(
            (seen.path, seen.body.as_str()),
            (path, r#"[["GET","t:1:cart:2:a"],["GET","t:1:cart:2:b"]]"#)
        );
    }
    assert_eq!(client.health().counts, Counts { requests: 2, commands: 4, failures: 0, repeats: 0 });
}

#[test]
fn nothing_is_sent_for_nothing() {
    let (service, client) = Scripted::client([]);
    run(client.pipeline(&Pipeline::new())).unwrap();
    run(client.transaction(&Pipeline::new())).unwrap();
    assert_eq!(service.seen(), []);
}

#[test]
fn what_the_service_would_refuse_for_its_size_is_not_sent() {
    let (service, client) = Scripted::client([]);
    let large = Value::text("x".repeat(REDIS_REQUEST_BYTES_MAX));
    let error = run(client.run(&Set::new(&key("a"), large, Keeping::Forever))).unwrap_err();
    assert!(matches!(error, RedisError::TooLarge(_)), "{error:?}");
    assert_eq!(service.seen(), []);
}

#[test]
fn the_newest_sync_token_is_sent_back_by_every_clone() {
    let with = |status: u16, sync_token| Step::Answer { status, body: r#"{"error":"x"}"#.into(), sync_token };
    let steps = [with(200, Some("one")), with(400, Some("two")), with(200, None), with(401, Some("foreign"))];
    let (service, client) = Scripted::client(steps.into_iter().chain([Step::string("x")]));
    get(&client);
    let clone = client.clone();
    for client in [&clone, &client, &clone, &client] {
        get(client);
    }
    let tokens: Vec<_> = service.seen().iter().map(|seen| sync_token(seen).map(str::to_owned)).collect();
    let expected = [None, Some("one"), Some("two"), Some("two"), Some("two")];
    assert_eq!(tokens, expected.map(|token| token.map(str::to_owned)));
}

#[test]
fn a_call_moves_between_threads_if_its_transport_does() {
    fn movable(_: &impl Send) {}
    let (_, client) = Scripted::client([]);
    let (command, pipeline) = (Get::new(&key("a")), Pipeline::new());
    movable(&client.run(&command));
    movable(&client.pipeline(&pipeline));
    movable(&client.transaction(&pipeline));
}
