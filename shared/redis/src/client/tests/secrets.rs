//! Neither the token nor stored values are ever shown.

use crate::command::{Expiry, set};
use crate::fake::{FakeRedis, Step, TOKEN, key};
use crate::pipeline::Pipeline;
use crate::transport::{HttpRequest, HttpResponse};
use crate::value::Value;
use config::Secret;

#[test]
fn no_text_shows_the_token_or_a_value() {
    let token = Secret::new(TOKEN.into());
    let body = br#"["SET","a","s3cret-value"]"#;
    let request = HttpRequest { path: "/", token: &token, sync_token: None, body };
    let answer = HttpResponse { status: 200, sync_token: None, body: b"s3cret-value".to_vec() };
    let set = set(&key("a"), &Value::text("s3cret-value"), Expiry::Never);
    let mut pipeline = Pipeline::new();
    let slot = pipeline.push(set.clone());
    let mut shown = format!("{request:?} {answer:?} {set:?} {pipeline:?} {slot:?}");
    for step in [
        Step::Refused,
        Step::BrokeOff,
        Step::Silent,
        Step::status(401, r#"{"error":"WRONGPASS s3cret-token"}"#),
        Step::status(500, "s3cret-token"),
        Step::ok("s3cret-value"),
        Step::ok(r#"{"result":"s3cret-value"}"#),
        Step::string("s3cret-value"),
    ] {
        let (service, client) = FakeRedis::scripted(vec![step; 5]);
        let error = service.run(client.run(&set)).unwrap_err();
        shown += &format!(" {error} {error:?} {client:?} {:?}", client.health());
    }
    assert!(!shown.contains("s3cret"), "{shown}");
}
