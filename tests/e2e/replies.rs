//! Checks and reads replies.

use serde_json::Value;
use tests::api::Reply;

/// Text that only the server's own code and tools have. No error reply may contain it.
const INTERNALS: [&str; 8] = ["panicked", "src/", "dynamo", "DynamoDB", "arn:", "lambda", "workerd", "ROOM#"];

/// Checks status, code and form of an error reply. Returns its `error` member.
#[track_caller]
pub(crate) fn assert_error(reply: &Reply, status: u16, code: &str) -> Value {
    assert_eq!((reply.status.as_u16(), reply.code().as_deref()), (status, Some(code)), "{}", reply.body);
    let error = json(reply)["error"].take();
    let message = error["message"].as_str().unwrap();
    assert!(message.len() > 20 && message.ends_with('.'), "not a sentence: {message}");
    assert_eq!(error["request_id"], reply.headers["x-request-id"].to_str().unwrap());
    for internal in INTERNALS {
        assert!(!reply.body.contains(internal), "the reply shows internals: {}", reply.body);
    }
    assert_eq!(reply.headers.contains_key("retry-after"), matches!(status, 429 | 503));
    error
}

/// The body as JSON; null if the body is empty.
pub(crate) fn json(reply: &Reply) -> Value {
    if reply.body.is_empty() { Value::Null } else { serde_json::from_str(&reply.body).unwrap() }
}

/// Checks that an object has exactly these members, sorted and separated by spaces.
#[track_caller]
pub(crate) fn assert_members(object: &Value, names: &str) {
    assert_eq!(object.as_object().unwrap().keys().cloned().collect::<Vec<_>>().join(" "), names);
}

/// Where the data of a reply came from: `fresh` (the cache), `loaded` (DynamoDB) and so on.
pub(crate) fn source(reply: &Reply) -> Option<&str> {
    reply.header("tillsync-cache")
}

/// Whether the data came from the cache.
pub(crate) fn is_fresh(reply: &Reply) -> bool {
    source(reply) == Some("fresh")
}
