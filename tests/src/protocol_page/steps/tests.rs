use serde_json::json;

use super::*;

const PAGE: &str = "# A page

```http
POST /a?b=c
Authorization: Bearer t

{\"x\": 1}
```

Some words.

```json
{ \"y\": 2 }
```

```http
GET /gone
```

```http
HTTP/1.1 204 No Content
```

```text
a picture
```

```ws
GET /ws?token=t
> {\"type\":\"ping\"}
< {\"type\":\"pong\"}
```
";

#[test]
fn requests_responses_and_frames_are_parsed_in_order() {
    let steps = steps(PAGE).unwrap();
    let lines: Vec<_> = steps.iter().map(|step| step.line).collect();
    assert_eq!(lines, [3, 16, 29, 30, 31]);
    let Action::Call(request, answer) = &steps[0].action else { panic!("a request") };
    assert_eq!((request.method.as_str(), request.target.as_str()), ("POST", "/a?b=c"));
    assert_eq!(request.headers, [("Authorization".to_owned(), "Bearer t".to_owned())]);
    assert_eq!(request.body, r#"{"x": 1}"#);
    assert_eq!(*answer, Response { status: 200, body: Some(json!({"y": 2})) });
    let Action::Call(request, answer) = &steps[1].action else { panic!("a request") };
    assert_eq!(request.body, "");
    assert_eq!(*answer, Response { status: 204, body: None });
    assert_eq!(steps[2].action, Action::Open("/ws?token=t".into()));
    assert_eq!(steps[3].action, Action::Send(r#"{"type":"ping"}"#.into()));
    assert_eq!(steps[4].action, Action::Receive(json!({"type": "pong"})));
}

#[test]
fn a_block_that_cannot_be_run_is_an_error() {
    for (page, line) in [
        ("```json\n{}\n```\n", 1),
        ("```http\nGET /a\n```\n", 1),
        ("\n```http\nGET /a\n```\n```json\n{]\n```\n", 5),
        ("```\nwhat is this\n```\n", 1),
        ("```http\nGET /a\n", 1),
        ("```http\nGET a\n```\n```json\n{}\n```\n", 1),
        ("```http\nGET /a\n```\n```http\nGET /b\n```\n", 4),
        ("```ws\n> {}\nping\n```\n", 3),
    ] {
        assert_eq!(steps(page).unwrap_err().line, line, "{page}");
    }
}
