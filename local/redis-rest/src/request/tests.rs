//! Every form of a request, and what is refused.

use super::*;

fn body(body: &str) -> Result<Request, ParseError> {
    parse("/", None, &Bytes::copy_from_slice(body.as_bytes()))
}

fn path(path: &str, query: &str) -> Result<Request, ParseError> {
    parse(path, Some(query), &Bytes::new())
}

#[test]
fn a_body_holds_strings_numbers_and_booleans() {
    let request = body(r#" ["SET", "k\u00e9\n", 9007199254740993, -1.50, 1e21, true, false, ""] "#);
    let expected = ["SET", "ké\n", "9007199254740993", "-1.50", "1e21", "true", "false", ""];
    assert_eq!(request, Ok(Request::Command(arguments(expected))));
}

#[test]
fn lone_surrogates_are_replaced_and_pairs_are_kept() {
    let request = body(r#"["ECHO", "a\ud800b\udc00", "\ud83d\ude00"]"#);
    assert_eq!(request, Ok(Request::Command(arguments(["ECHO", "a\u{fffd}b\u{fffd}", "😀"]))));
}

#[test]
fn an_invalid_command_is_refused_in_the_words_of_the_service() {
    let error = |text: &str| body(text).unwrap_err().to_string();
    assert_eq!(error(""), "EOF");
    assert_eq!(error(" \n"), "EOF");
    assert_eq!(error(r#"{"a":1}"#), "expected JSON array");
    assert_eq!(error("SET a b"), "expected JSON array");
    assert_eq!(error("[]"), "ERR empty command");
    assert_eq!(error(r#"["SET","a",null]"#), "ERR null args are not supported");
    assert_eq!(error(r#"[["SET","a"]]"#), "ERR unsupported arg type: \"[\": json.Delim");
    assert_eq!(error(r#"["SET",{}]"#), "ERR unsupported arg type: \"{\": json.Delim");
    assert!(error(r#"["SET","#).starts_with("ERR failed to parse request: "));
}

#[test]
fn pipelines_and_transactions_are_arrays_of_commands() {
    let commands = Bytes::from_static(br#"[["SET","a",1],["GET","a"]]"#);
    let expected = || vec![arguments(["SET", "a", "1"]), arguments(["GET", "a"])];
    assert_eq!(parse("/pipeline", None, &commands), Ok(Request::Pipeline(expected())));
    assert_eq!(parse("/multi-exec/", None, &commands), Ok(Request::MultiExec(expected())));
    let refused = |body: &'static [u8]| parse("/pipeline", None, &Bytes::from_static(body)).unwrap_err();
    assert_eq!(refused(b""), ParseError::NoBody);
    assert_eq!(refused(b"[]"), ParseError::EmptyCommand);
    assert_eq!(refused(br#"["GET","a"]"#), ParseError::NoArray);
    assert_eq!(refused(br#"[["GET","a"],[]]"#), ParseError::EmptyCommand);
}

#[test]
fn a_path_is_percent_decoded_into_bytes() {
    let request = path("/set/a%2Fb%20c+d/%ff%00", "");
    let expected = vec!["set".into(), "a/b c+d".into(), Bytes::from_static(b"\xff\x00")];
    assert_eq!(request, Ok(Request::Command(expected)));
    assert_eq!(path("/echo//x/", ""), Ok(Request::Command(arguments(["echo", "", "x"]))));
}

#[test]
fn a_body_comes_before_the_arguments_of_the_query() {
    let value = Bytes::from_static(b"\xff{}");
    let request = parse("/set/foo", Some("EX=100&_token=secret&NX&a%3D=b+c"), &value);
    let mut expected = arguments(["set", "foo"]);
    expected.push(value);
    expected.extend(arguments(["EX", "100", "NX", "a=", "b c"]));
    assert_eq!(request, Ok(Request::Command(expected)));
}

#[test]
fn streams_have_paths_of_their_own_and_take_no_body() {
    let request = parse("/subscribe/a/b%20c", None, &Bytes::from_static(b"[]"));
    assert_eq!(request, Ok(Request::Subscribe(arguments(["a", "b c"]))));
    assert_eq!(path("/psubscribe/a*", ""), Ok(Request::PatternSubscribe(arguments(["a*"]))));
    assert_eq!(path("/monitor", ""), Ok(Request::Monitor));
    assert_eq!(path("/subscribe", ""), Ok(Request::Command(arguments(["subscribe"]))));
    assert_eq!(path("/publish/a/b", ""), Ok(Request::Command(arguments(["publish", "a", "b"]))));
}
