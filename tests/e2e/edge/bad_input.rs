//! Bad input gets the right status, a stable code and a helpful sentence. It shows no internals and stores
//! nothing.

use functions::sync::keys;
use protocol::limits::{BATCH_BYTES_MAX, BODY_BYTES_MAX, RECORD_BYTES_MAX};
use protocol::stamp::Stamp;
use protocol::wire::push::PushResponse;
use reqwest::Method;
use serde_json::{Value, json};
use tests::till::socket;

use crate::invariants;
use crate::replies::assert_error;
use crate::shop::{Shop, product, with};
use crate::sync::broadcast::Listener;
use crate::till::Till;

trials! {
    shared:
    bad_tokens_are_refused,
    bad_batches_are_refused,
    too_large_bodies_are_refused,
    one_bad_record_does_not_stop_the_others,
    bad_pulls_are_refused,
    unknown_paths_and_methods_are_refused,
    bad_socket_requests_are_refused,
    bad_logins_are_refused,
}

/// Checks that the room has no items.
async fn assert_nothing_stored(shop: &Shop, till: &Till) {
    assert_eq!(stored_items(shop, till).await, 0);
}

/// The number of items in the room, none of which is a change.
async fn stored_items(shop: &Shop, till: &Till) -> usize {
    assert!(till.pull_all(Stamp::ZERO, 100).await.is_empty());
    let pk = keys::room(&shop.room("1"));
    invariants::partition(&shop.world.dynamo, &shop.world.table, pk).await.len()
}

async fn bad_tokens_are_refused(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    let body = till.batch(None, &[product("p1", &json!({}))]).to_string();
    let own = till.api.token().to_owned();
    let (head, signature) = own.rsplit_once('.').unwrap();
    let (header, payload) = head.split_once('.').unwrap();
    let with_token = |token: String| shop.anonymous().with_token(token);
    let changed = payload.replacen('J', "K", 1);
    let cases = [
        (shop.anonymous(), "token_missing"),
        (with_token("nonsense".into()), "token_invalid"),
        (with_token(format!("{head}.")), "token_invalid"),
        (with_token(format!("eyJhbGciOiJub25lIn0.{payload}.")), "token_invalid"),
        (with_token(format!("{header}.{changed}.{signature}")), "token_invalid"),
        (with_token(shop.world.foreign_token(&shop.client)), "token_invalid"),
        (with_token(shop.world.expired_token(&shop.client)), "token_expired"),
    ];
    for (api, code) in cases {
        assert_error(&api.post("/api/sync/batch-push", body.clone()).await.unwrap(), 401, code);
        assert_error(&api.get("/api/sync/pull-changes").await.unwrap(), 401, code);
        assert_error(&api.get("/api/auth/me").await.unwrap(), 401, code);
    }
    assert_nothing_stored(shop, &till).await;
}

async fn bad_batches_are_refused(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    let good = product("p1", &json!({}));
    let cases = [
        (String::new(), "bad_json"),
        ("{".into(), "bad_json"),
        ("not json".into(), "bad_json"),
        ("[]".into(), "bad_request"),
        (json!({"records": [good]}).to_string(), "bad_request"),
        (json!({"device_id": 5, "records": [good]}).to_string(), "bad_request"),
        (json!({"device_id": "", "records": [good]}).to_string(), "bad_request"),
        (json!({"device_id": "a\u{7}b", "records": [good]}).to_string(), "bad_request"),
        (json!({"device_id": "d".repeat(129), "records": [good]}).to_string(), "bad_request"),
        (json!({"device_id": "till-1", "batch_id": 7, "records": [good]}).to_string(), "bad_request"),
        (json!({"device_id": "till-1"}).to_string(), "bad_request"),
        (json!({"device_id": "till-1", "records": "all"}).to_string(), "bad_request"),
        ("[".repeat(10_000), "bad_request"),
    ];
    for (body, code) in cases {
        assert_error(&till.api.post("/api/sync/batch-push", body).await.unwrap(), 400, code);
    }
    assert_error(&till.api.post("/api/sync/batch-push", vec![0xff, 0xfe]).await.unwrap(), 400, "bad_json");
    assert_nothing_stored(shop, &till).await;
}

async fn too_large_bodies_are_refused(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    let small: Vec<Value> = (0..51).map(|i| product(&format!("p{i}"), &json!({}))).collect();
    let large: Vec<Value> = (0..=BATCH_BYTES_MAX / 60_000)
        .map(|i| product(&format!("p{i}"), &json!({"x": "x".repeat(60_000)})))
        .collect();
    for records in [small, large] {
        assert_error(&till.push_raw(&till.batch(Some("b1"), &records)).await, 413, "batch_too_large");
    }
    let body = format!("{{\"pad\":\"{}\"}}", "x".repeat(BODY_BYTES_MAX));
    assert_error(&till.api.post("/api/sync/batch-push", body).await.unwrap(), 413, "body_too_large");
    // A chunked body, whose length the edge does not know in advance.
    let chunk = Ok::<_, std::io::Error>("x".repeat(1024 * 1024));
    let chunks = futures_util::stream::iter(
        (0..5).map(move |_| chunk.as_ref().map(Clone::clone).map_err(|_| std::io::Error::other(""))),
    );
    let reply = till.api.post("/api/sync/batch-push", reqwest::Body::wrap_stream(chunks)).await.unwrap();
    assert_error(&reply, 413, "body_too_large");
    assert_nothing_stored(shop, &till).await;
}

async fn one_bad_record_does_not_stop_the_others(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    let good = || product("good", &json!({}));
    let deep = format!("{}1{}", r#"{"a":"#.repeat(10_000), "}".repeat(10_000));
    let mut missing = good();
    missing.as_object_mut().unwrap().remove("record_id");
    let bad = [
        (json!(5), "malformed"),
        (missing, "malformed"),
        (with(good(), "data", "text"), "malformed"),
        (with(good(), "data", json!(null)), "malformed"),
        (with(good(), "is_deleted", "yes"), "malformed"),
        (with(good(), "base_version", -1), "malformed"),
        (with(good(), "table_name", "nonsense"), "unknown_table"),
        (with(good(), "record_id", ""), "bad_record_id"),
        (with(good(), "record_id", "a\u{0}b"), "bad_record_id"),
        (with(good(), "record_id", "x".repeat(300)), "bad_record_id"),
        (with(good(), "local_updated_at", "yesterday"), "bad_time"),
        (with(good(), "local_updated_at", "2200-01-01T00:00:00Z"), "clock_ahead"),
        (with(good(), "data", json!({"x": "x".repeat(RECORD_BYTES_MAX)})), "record_too_large"),
        (with(good(), "data", json!("DEEP")), "too_deep"),
    ];
    for (record, code) in &bad {
        let body = till.batch(None, std::slice::from_ref(record)).to_string().replace("\"DEEP\"", &deep);
        let reply = till.api.post("/api/sync/batch-push", body).await.unwrap();
        let response: PushResponse = reply.ok().unwrap();
        assert_eq!((response.errors.len(), response.applied.len(), response.success), (1, 0, true), "{code}");
        assert_eq!(response.errors[0].code, *code);
        assert!(response.errors[0].message.ends_with('.'), "{}", response.errors[0].message);
    }
    assert_eq!(stored_items(shop, &till).await, bad.len() + 1, "dead letters each, and counts");
    let mut all: Vec<Value> = bad.iter().map(|(record, _)| record.clone()).collect();
    all.push(good());
    let body = till.batch(Some("b1"), &all).to_string().replace("\"DEEP\"", &deep);
    let response: PushResponse = till.api.post("/api/sync/batch-push", body).await.unwrap().ok().unwrap();
    assert_eq!((response.errors.len(), response.applied.len()), (bad.len(), 1));
    assert_eq!(till.pull_all(Stamp::ZERO, 100).await.len(), 1);
}

async fn bad_pulls_are_refused(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    let cases = [
        ("limit=0", "bad_limit"),
        ("limit=1001", "bad_limit"),
        ("limit=ten", "bad_limit"),
        ("cursor=nonsense", "bad_cursor"),
        ("cursor=v1.-5", "bad_cursor"),
        ("since=yesterday", "bad_since"),
        ("min=soon", "bad_min"),
        ("tables=products,nonsense", "unknown_table"),
    ];
    for (query, code) in cases {
        assert_error(&till.pull_raw(query).await, 400, code);
    }
}

async fn unknown_paths_and_methods_are_refused(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    for path in ["/", "/api", "/api/sync/batch-push/more", "/internal/other"] {
        assert_error(&till.api.get(path).await.unwrap(), 404, "not_found");
    }
    let cases = [
        (Method::GET, "/api/sync/batch-push", "POST"),
        (Method::POST, "/api/sync/pull-changes", "GET"),
        (Method::DELETE, "/api/auth/login", "POST"),
    ];
    for (method, path, allow) in cases {
        let reply = till.api.send(till.api.request(method, path)).await.unwrap();
        assert_error(&reply, 405, "method_not_allowed");
        assert_eq!(reply.headers["allow"], allow);
    }
}

async fn bad_socket_requests_are_refused(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    let url = socket::url(&till.api, "till-1");
    let path = url.split_once("/ws").unwrap().1;
    assert_error(&till.api.get(&format!("/ws{path}")).await.unwrap(), 426, "upgrade_required");
    let foreign = shop.anonymous().with_token(shop.world.foreign_token(&shop.client));
    let expired = shop.anonymous().with_token(shop.world.expired_token(&shop.client));
    let cases = [
        (socket::url(&shop.anonymous(), "till-1"), 4401, "token_missing"),
        (socket::url(&foreign, "till-1"), 4401, "token_invalid"),
        (socket::url(&expired, "till-1"), 4401, "token_expired"),
        (socket::url(&till.api, "till-2"), 4403, "device_mismatch"),
        (socket::url(&till.api, ""), 4400, "bad_request"),
        (socket::url(&till.api, &"d".repeat(129)), 4400, "bad_request"),
    ];
    for (url, close_code, code) in cases {
        assert_eq!(Listener::at(&url, &till.api).await.refusal().await, (close_code, code.to_owned()));
    }
}

async fn bad_logins_are_refused(shop: &'static Shop) {
    let cases = [
        ("", 400, "bad_json"),
        ("{", 400, "bad_json"),
        (r#"{"username":"x"}"#, 400, "bad_request"),
        (r#"{"username":5,"password":"x"}"#, 400, "bad_request"),
        (r#"{"username":"x","password":"x","device_id":""}"#, 400, "bad_request"),
        (r#"{"username":"","password":""}"#, 401, "bad_credentials"),
    ];
    for (body, status, code) in cases {
        assert_error(&shop.anonymous().post("/api/auth/login", body).await.unwrap(), status, code);
    }
    let long = json!({"username": "x".repeat(300), "password": "y".repeat(10_000)}).to_string();
    assert_error(&shop.anonymous().post("/api/auth/login", long).await.unwrap(), 401, "bad_credentials");
    for token in ["", "a.b", &"x".repeat(5000)] {
        let body = json!({ "refreshToken": token }).to_string();
        let reply = shop.anonymous().post("/api/auth/refresh", body).await.unwrap();
        assert_error(&reply, 401, "refresh_invalid");
    }
}
