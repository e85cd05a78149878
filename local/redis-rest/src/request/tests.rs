//! Every form a request may have, and what is refused.

use super::*;

fn words(words: &[&str]) -> Arguments {
    words.iter().map(|word| Bytes::copy_from_slice(word.as_bytes())).collect()
}

fn body(body: &str) -> Result<Request, BadRequest> {
    parse("/", None, &Bytes::copy_from_slice(body.as_bytes()))
}

fn path(path: &str, query: &str) -> Result<Request, BadRequest> {
    parse(path, Some(query), &Bytes::new())
}

#[test]
fn arguments_of_a_body_are_strings_numbers_and_booleans() {
    let arguments = body(r#" ["SET", "k\u00e9\n", 9007199254740993, -1.50, 1e21, true, false, ""] "#);
    let expected = ["SET", "ké\n", "9007199254740993", "-1.50", "1e21", "true", "false", ""];
    assert_eq!(arguments, Ok(Request::Command(words(&expected))));
}

#[test]
fn half_a_surrogate_pair_is_replaced_and_a_whole_one_is_not() {
    let arguments = body(r#"["ECHO", "a\ud800b\udc00", "\ud83d\ude00"]"#);
    assert_eq!(arguments, Ok(Request::Command(words(&["ECHO", "a\u{fffd}b\u{fffd}", "😀"]))));
}

#[test]
fn what_is_no_command_is_refused_in_the_words_of_the_service() {
    let says = |text: &str| body(text).unwrap_err().to_string();
    assert_eq!(says(""), "EOF");
    assert_eq!(says(" \n"), "EOF");
    assert_eq!(says(r#"{"a":1}"#), "expected JSON array");
    assert_eq!(says("SET a b"), "expected JSON array");
    assert_eq!(says("[]"), "ERR empty command");
    assert_eq!(says(r#"["SET","a",null]"#), "ERR null args are not supported");
    assert_eq!(says(r#"[["SET","a"]]"#), "ERR unsupported arg type: \"[\": json.Delim");
    assert_eq!(says(r#"["SET",{}]"#), "ERR unsupported arg type: \"{\": json.Delim");
    assert!(says(r#"["SET","#).starts_with("ERR failed to parse request: "));
}

#[test]
fn pipelines_and_transactions_are_arrays_of_commands() {
    let commands = Bytes::from_static(br#"[["SET","a",1],["GET","a"]]"#);
    let expected = || vec![words(&["SET", "a", "1"]), words(&["GET", "a"])];
    assert_eq!(parse("/pipeline", None, &commands), Ok(Request::Pipeline(expected())));
    assert_eq!(parse("/multi-exec/", None, &commands), Ok(Request::MultiExec(expected())));
    let refused = |body: &'static [u8]| parse("/pipeline", None, &Bytes::from_static(body)).unwrap_err();
    assert_eq!(refused(b""), BadRequest::NoBody);
    assert_eq!(refused(b"[]"), BadRequest::EmptyCommand);
    assert_eq!(refused(br#"["GET","a"]"#), BadRequest::NoArray);
    assert_eq!(refused(br#"[["GET","a"],[]]"#), BadRequest::EmptyCommand);
}

#[test]
fn a_path_is_percent_decoded_into_bytes() {
    let arguments = path("/set/a%2Fb%20c+d/%ff%00", "");
    let expected = vec!["set".into(), "a/b c+d".into(), Bytes::from_static(b"\xff\x00")];
    assert_eq!(arguments, Ok(Request::Command(expected)));
    assert_eq!(path("/echo//x/", ""), Ok(Request::Command(words(&["echo", "", "x"]))));
}

#[test]
fn a_body_comes_before_the_arguments_of_the_query() {
    let value = Bytes::from_static(b"\xff{}");
    let request = parse("/set/foo", Some("EX=100&_token=secret&NX&a%3D=b+c"), &value);
    let mut expected = words(&["set", "foo"]);
    expected.push(value);
    expected.extend(words(&["EX", "100", "NX", "a=", "b c"]));
    assert_eq!(request, Ok(Request::Command(expected)));
}

#[test]
fn streams_are_paths_of_their_own_and_take_no_body() {
    let request = parse("/subscribe/a/b%20c", None, &Bytes::from_static(b"[]"));
    assert_eq!(request, Ok(Request::Stream(Stream::Subscribe(words(&["a", "b c"])))));
    let pattern = Request::Stream(Stream::PatternSubscribe(words(&["a*"])));
    assert_eq!(path("/psubscribe/a*", ""), Ok(pattern));
    assert_eq!(path("/monitor", ""), Ok(Request::Stream(Stream::Monitor)));
    assert_eq!(path("/subscribe", ""), Ok(Request::Command(words(&["subscribe"]))));
    assert_eq!(path("/publish/a/b", ""), Ok(Request::Command(words(&["publish", "a", "b"]))));
}
