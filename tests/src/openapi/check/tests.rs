use reqwest::StatusCode;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde_json::json;

use super::*;

const PUSH: (&str, &str) = ("POST", "/api/sync/batch-push");
const LOGOUT: (&str, &str) = ("POST", "/api/auth/logout");
const LIMITED_HEADERS: [(&str, &str); 6] = [
    ("x-request-id", "r1"),
    ("ratelimit-limit", "100"),
    ("ratelimit-remaining", "99"),
    ("ratelimit-reset", "1"),
    ("ratelimit-policy", "\"address\";q=100;w=60"),
    ("ratelimit", "\"address\";r=99;t=1"),
];
const COST: &str = "requests=2; write=4; read=1.5";

fn reply(status: u16, headers: &[(&'static str, &'static str)], body: &Value) -> Reply {
    let pair = |(name, value): &(&'static str, &'static str)| {
        (HeaderName::from_static(name), HeaderValue::from_static(value))
    };
    Reply {
        status: StatusCode::from_u16(status).unwrap(),
        headers: SECURITY_HEADERS.iter().chain(headers).map(pair).collect::<HeaderMap>(),
        body: if body.is_null() { String::new() } else { body.to_string() },
    }
}

fn pushed() -> Value {
    json!({
        "success": true, "synced_count": 1, "conflicts": [], "errors": [],
        "applied": [{
            "index": 0, "table_name": "halls", "record_id": "h1", "version": 1,
            "server_updated_at": "2025-12-07T10:30:01.000123Z", "stamp": 9, "flags": ["clock_clamped"],
        }],
        "prev": 7, "stamp": 9, "cursor": "p1.9.Zo_UbDiBxKM", "server_time": "2025-12-07T10:30:01.000123Z",
    })
}

fn refused(code: &str) -> Value {
    json!({ "error": { "code": code, "message": "m", "request_id": "r1" } })
}

fn mismatch(asked: (&str, &str), reply: &Reply) -> String {
    Checker::new().unwrap().check(asked.0, asked.1, reply).unwrap_err().to_string()
}

#[test]
fn described_responses_pass() {
    let checker = Checker::new().unwrap();
    let check = |(method, path): (&str, &str), reply| checker.check(method, path, &reply).unwrap();
    check(PUSH, reply(200, &[("x-request-id", "r1"), ("tillsync-cost", COST)], &pushed()));
    check(PUSH, reply(403, &[("x-request-id", "r1")], &refused("device_mismatch")));
    check(PUSH, reply(503, &[("x-request-id", "r1"), ("retry-after", "1")], &refused("busy")));
    check(("GET", PUSH.1), reply(405, &[("x-request-id", "r1")], &refused("method_not_allowed")));
    check(("GET", "/wp-login.php"), reply(404, &[("x-request-id", "r1")], &refused("not_found")));
    check(LOGOUT, reply(204, &LIMITED_HEADERS, &Value::Null));
    let late = [("x-request-id", "r1"), ("retry-after", "3")];
    let details = json!({ "policy": "address", "limit": 100, "window_secs": 60, "retry_after_secs": 3 });
    let mut limited = refused("rate_limited");
    limited["error"]["details"] = details;
    check(LOGOUT, reply(429, &late, &limited));
    let discard = ("POST", "/api/sync/dead-letters/17-0/discard");
    check(discard, reply(204, &[("x-request-id", "r1"), ("tillsync-cost", COST)], &Value::Null));
    checker.check_frame(r#"{"type":"subscribed","room":"1:2"}"#).unwrap();
}

#[test]
fn a_missing_mistyped_or_unknown_member_fails() {
    let changes: [(&str, Value, &str); 7] = [
        ("/synced_count", json!("1"), "/synced_count"),
        ("/stamp", json!(-1), "/stamp"),
        ("/server_time", json!("2025-12-07T10:30:01Z"), "/server_time"),
        ("/applied/0/version", Value::Null, "/applied/0/version"),
        ("/applied/0/flags/0", json!("made_up"), "/applied/0/flags/0"),
        ("/applied/0", json!({ "index": 0 }), "required"),
        ("/conflicts", json!([{ "index": 0 }]), "required"),
    ];
    for (place, value, expected) in changes {
        let mut body = pushed();
        *body.pointer_mut(place).unwrap() = value;
        let message = mismatch(PUSH, &reply(200, &[("x-request-id", "r1"), ("tillsync-cost", COST)], &body));
        assert!(message.contains(expected), "{place}: {message}");
    }
    let mut body = pushed();
    body["applied"][0]["colour"] = json!("red");
    let message = mismatch(PUSH, &reply(200, &[("x-request-id", "r1"), ("tillsync-cost", COST)], &body));
    assert!(message.contains("colour"), "{message}");
}

#[test]
fn a_limited_response_needs_rate_limit_headers_and_details() {
    let [_, rest @ ..] = LIMITED_HEADERS;
    let without: Vec<_> = rest[1..].iter().copied().chain([("x-request-id", "r1")]).collect();
    assert!(mismatch(LOGOUT, &reply(204, &without, &Value::Null)).contains("rate limit"));
    let late = [("x-request-id", "r1"), ("retry-after", "3")];
    assert!(mismatch(LOGOUT, &reply(429, &late, &refused("rate_limited"))).contains("object"));
    // A ceiling shows its headers only in a refusal.
    assert!(mismatch(PUSH, &reply(429, &late, &refused("rate_limited"))).contains("object"));
    let health = ("GET", "/healthz");
    assert!(mismatch(health, &reply(429, &late, &refused("rate_limited"))).contains("not among its errors"));
}

#[test]
fn an_unexpected_code_or_a_missing_header_fails() {
    let id = ("x-request-id", "r1");
    for (reply, expected) in [
        (reply(200, &[id], &pushed()), "cost"),
        (reply(200, &[("tillsync-cost", COST)], &pushed()), "x-request-id"),
        (reply(410, &[id], &refused("reset_required")), "not among its errors"),
        (reply(400, &[id], &refused("device_mismatch")), "not among its errors"),
        (reply(503, &[id], &refused("busy")), "retry-after"),
        (reply(403, &[("x-request-id", "r2")], &refused("device_mismatch")), "request_id"),
        (reply(403, &[id], &json!({ "message": "Forbidden" })), "required"),
    ] {
        let message = mismatch(PUSH, &reply);
        assert!(message.contains(expected), "{expected}: {message}");
    }
    let mut sniffed = reply(403, &[id], &refused("device_mismatch"));
    sniffed.headers.remove("x-content-type-options");
    assert!(mismatch(PUSH, &sniffed).contains("x-content-type-options"));
    let moved = reply(409, &[id], &refused("version_changed"));
    assert!(mismatch(("POST", "/api/sync/resolve-conflict"), &moved).contains("object"), "without details");
}

#[test]
fn an_unknown_frame_or_request_fails() {
    let checker = Checker::new().unwrap();
    for frame in [r#"{"type":"subscribed"}"#, r#"{"type":"hello"}"#, r#"{"type":"pong","at":1}"#, "pong"] {
        assert!(checker.check_frame(frame).is_err(), "{frame}");
    }
    let refresh = ("POST", "/api/auth/refresh");
    checker.check_request(refresh.0, refresh.1, r#"{"refreshToken":"r"}"#).unwrap();
    for body in ["{}", r#"{"refreshToken":1}"#, r#"{"refreshToken":"r","more":1}"#] {
        assert!(checker.check_request(refresh.0, refresh.1, body).is_err(), "{body}");
    }
    assert!(checker.check_request("GET", "/api/auth/me", "{}").is_err());
}
