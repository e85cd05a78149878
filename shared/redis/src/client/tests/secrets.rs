//! What must never be shown: the token, and what is stored.

use crate::command::{Keeping, Set};
use crate::fake::{Scripted, Step, TOKEN, key, run};
use crate::pipeline::Pipeline;
use crate::transport::{HttpRequest, HttpResponse};
use crate::value::Value;
use config::Secret;

#[test]
fn neither_token_nor_value_is_in_any_text() {
    let token = Secret::new(TOKEN.into());
    let body = br#"["SET","a","s3cret-value"]"#;
    let request = HttpRequest { path: "/", token: &token, sync_token: None, body };
    let answer = HttpResponse { status: 200, sync_token: None, body: b"s3cret-value".to_vec() };
    let set = Set::new(&key("a"), Value::text("s3cret-value"), Keeping::Forever);
    let mut pipeline = Pipeline::new();
    let slot = pipeline.push(&set);
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
        let (_, client) = Scripted::client(vec![step; 5]);
        let error = run(client.run(&set)).unwrap_err();
        shown += &format!(" {error} {error:?} {client:?} {:?}", client.health());
    }
    assert!(!shown.contains("s3cret"), "{shown}");
}
