//! Responses as the service writes them.

use super::*;
use crate::limits::{REDIS_REPLY_DEPTH_MAX, REDIS_REPLY_ITEMS_MAX};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use proptest::prelude::*;

fn bytes(text: &str) -> Reply {
    Reply::Bytes(text.as_bytes().to_vec())
}

#[test]
fn every_shape_that_the_service_writes_is_read() {
    let cases = [
        (r#"{"result":null}"#, Reply::Nil),
        (r#"{"result":"OK"}"#, Reply::Ok),
        // The encoded text OK: the command tells whether a status or a value is expected.
        (r#"{"result":"T0s="}"#, bytes("OK")),
        (r#"{"result":""}"#, bytes("")),
        (r#"{"result":"YmFy"}"#, bytes("bar")),
        (r#"{"result":"/wA="}"#, Reply::Bytes(vec![0xff, 0])),
        (r#"{"result":137}"#, Reply::Int(137)),
        (r#"{"result":9007199254740993}"#, Reply::Int(9_007_199_254_740_993)),
        (r#"{"result":9223372036854775807}"#, Reply::Int(i64::MAX)),
        (r#"{"result":-9223372036854775808}"#, Reply::Int(i64::MIN)),
        (
            r#"{"result":["YQ==",null,[1,"OK"]]}"#,
            Reply::Array(vec![bytes("a"), Reply::Nil, Reply::Array(vec![Reply::Int(1), Reply::Ok])]),
        ),
        (r#"{"error":"ERR no"}"#, Reply::Error(ServerError("ERR no".into()))),
        (
            r#"{"error":"ERR unknown command 'GETX', with args beginning with: 'a secret' "}"#,
            Reply::Error(ServerError("ERR unknown command 'GETX'".into())),
        ),
        (r#" {"result":1,"more":{"x":[2]},"error":null} "#, Reply::Int(1)),
    ];
    for (body, reply) in cases {
        assert_eq!(read_one(body.as_bytes()).unwrap(), reply, "{body}");
    }
}

#[test]
fn other_shapes_are_errors_that_do_not_quote_the_body() {
    for body in [
        "",
        "[]",
        "{}",
        "<html>s3cret</html>",
        r#"{"result":1.5}"#,
        r#"{"result":true}"#,
        r#"{"result":{"a":1}}"#,
        r#"{"result":9223372036854775808}"#,
        r#"{"result":"s3cret!"}"#,
        r#"{"result":"YQ"}"#,
        r#"{"result":1}x"#,
        r#"{"result":[1}"#,
    ] {
        let error = read_one(body.as_bytes()).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("s3cret"), "{error:?}");
    }
}

#[test]
fn a_pipeline_has_a_reply_per_command_or_one_error() {
    let items = read_many(br#"[{"result":"OK"},{"error":"ERR no"}]"#).unwrap().unwrap();
    assert_eq!(items, [Reply::Ok, Reply::Error(ServerError("ERR no".into()))]);
    let all = read_many(br#"{"error":"EXECABORT"}"#).unwrap().unwrap_err();
    assert_eq!(all, ServerError("EXECABORT".into()));
    assert!(read_many(br#"{"result":1}"#).is_err());
    assert!(read_many(b"[1]").is_err());
}

#[test]
fn depth_and_number_of_values_are_limited() {
    let nested = |levels| format!("{{\"result\":{}{}}}", "[".repeat(levels), "]".repeat(levels));
    assert!(read_one(nested(REDIS_REPLY_DEPTH_MAX - 1).as_bytes()).is_ok());
    assert!(matches!(read_one(nested(REDIS_REPLY_DEPTH_MAX).as_bytes()), Err(Unreadable::TooDeep)));
    let list = |items: usize| format!("{{\"result\":[{}0]}}", "0,".repeat(items - 1));
    assert!(read_one(list(REDIS_REPLY_ITEMS_MAX - 1).as_bytes()).is_ok());
    assert!(read_one(list(REDIS_REPLY_ITEMS_MAX).as_bytes()).is_err());
}

#[test]
fn a_reply_of_another_shape_is_an_error_that_shows_no_data() {
    let error = bytes("s3cret").int().unwrap_err().to_string();
    assert_eq!(error, "failed to read the reply: an integer was expected, but a string of 6 bytes came");
    assert_eq!(Reply::Ok.bytes().unwrap(), b"OK");
    assert!(Reply::Int(-1).count().is_err() && Reply::Int(2).flag().is_err());
    assert!(Reply::Bytes(vec![0xff]).text().is_err());
}

fn reply() -> impl Strategy<Value = Reply> {
    let leaf = prop_oneof![
        Just(Reply::Nil),
        Just(Reply::Ok),
        any::<i64>().prop_map(Reply::Int),
        any::<Vec<u8>>().prop_map(Reply::Bytes),
    ];
    leaf.prop_recursive(4, 64, 8, |inner| prop::collection::vec(inner, 0..8).prop_map(Reply::Array))
}

fn written(reply: &Reply) -> String {
    match reply {
        Reply::Nil => "null".into(),
        Reply::Ok => "\"OK\"".into(),
        Reply::Int(number) => number.to_string(),
        Reply::Bytes(bytes) => format!("\"{}\"", BASE64_STANDARD.encode(bytes)),
        Reply::Array(items) => format!("[{}]", items.iter().map(written).collect::<Vec<_>>().join(",")),
        Reply::Error(error) => panic!("no value: {error}"),
    }
}

proptest! {
    #[test]
    fn written_replies_read_back(reply in reply()) {
        let body = format!("{{\"result\":{}}}", written(&reply));
        prop_assert_eq!(read_one(body.as_bytes()).unwrap(), reply);
    }

    #[test]
    fn arbitrary_bytes_do_not_panic(body: Vec<u8>) {
        let _ = read_one(&body);
        let _ = read_many(&body);
    }
}
