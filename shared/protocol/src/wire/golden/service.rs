//! Sign-in, sessions, records, carts, errors, readiness and the cache.

use serde_json::json;

use super::{AT, STAMP, data, pin, text};
use crate::error::{ApiError, ErrorCode};
use crate::role::Role;
use crate::stamp::Stamp;
use crate::wire::auth::{MeResponse, SessionResponse, User};
use crate::wire::cache::{
    CacheFigures, CacheReportResponse, CacheStatsResponse, InvalidateRequest, InvalidateResponse,
    KindFigures, RedisFigures, WarmRequest, WarmResponse,
};
use crate::wire::carts::{CartResponse, PutCartRequest, PutCartResponse};
use crate::wire::error_response::{ErrorResponse, RateLimitDetails};
use crate::wire::health::{BreakerState, ReadinessResponse, RedisHealth};
use crate::wire::record::{BatchGetRequest, BatchGetResponse, RecordName, RecordResponse};
use crate::wire::sessions::{EndSessionsResponse, SessionInfo, SessionsResponse};

#[test]
fn accounts() {
    let user = User {
        id: "u1".into(),
        username: "till-1".into(),
        role: Role::Cashier,
        client_id: "1".parse().unwrap(),
        branch_id: Some("2".parse().unwrap()),
    };
    let session = SessionResponse {
        access_token: "a".into(),
        refresh_token: "r".into(),
        expires_in: 900,
        user: user.clone(),
    };
    let admin = User { role: Role::SuperAdmin, branch_id: None, ..user };
    let info = SessionInfo {
        id: "s1".parse().unwrap(),
        device_id: Some("till-1".parse().unwrap()),
        address: Some("192.0.2.7".into()),
        agent: None,
        created_at: AT.into(),
        last_activity_at: AT.into(),
        idle: false,
        current: true,
    };
    let values = [
        text(&session),
        text(&MeResponse { user: admin, permissions: vec!["sync:push".into()] }),
        text(&SessionsResponse { sessions: vec![info], activity_known: true }),
        text(&EndSessionsResponse { ended: 2, effective_within_secs: 5 }),
    ];
    pin(include_str!("accounts.jsonl"), &values);
}

#[test]
fn records_and_carts() {
    let record = RecordResponse {
        table_name: "products".into(),
        record_id: "p-1".into(),
        data: data(r#"{"price":1.10}"#),
        version: 3,
        stamp: STAMP,
        server_updated_at: AT.into(),
    };
    let name = RecordName { table_name: "products".into(), record_id: "p-2".into() };
    let (id, stamp) = ("c-1".parse().unwrap(), STAMP);
    let cart = CartResponse { id, stamp, data: data(r#"{"price":1.10}"#), server_updated_at: AT.into() };
    let values = [
        text(&record),
        text(&BatchGetRequest { records: vec![name.clone()] }),
        text(&BatchGetResponse { records: vec![record], missing: vec![name] }),
        text(&PutCartRequest { data: data(r#"{"price":1.10}"#), after_stamp: Some(Stamp(7)) }),
        text(&PutCartRequest { data: data(r#"{"price":1.10}"#), after_stamp: None }),
        text(&cart),
        text(&PutCartResponse { id: cart.id, stamp, server_updated_at: AT.into() }),
    ];
    pin(include_str!("data.jsonl"), &values);
}

#[test]
fn errors() {
    let plain = ApiError::new(ErrorCode::NotFound, "There is nothing at this address.");
    let detailed = plain.clone().with_details(&json!({"limit": 50}));
    let exact = plain.clone().with_details(&data(r#"{"price":1.10}"#));
    let errors = [plain, detailed, exact].map(|error| ErrorResponse::new(&error, "r1").to_json());
    let limit = RateLimitDetails { policy: "user", limit: 100, window_secs: 60, retry_after_secs: 3 };
    pin(include_str!("errors.jsonl"), &[&errors[..], &[text(&limit)]].concat());
}

#[test]
fn readiness() {
    let well = RedisHealth {
        reachable: true,
        latency_micros: Some(1850),
        used_memory_bytes: Some(1_048_576),
        breaker: BreakerState::Closed,
        hit_ratio: Some("0.93".into()),
    };
    let gone = RedisHealth {
        reachable: false,
        latency_micros: None,
        used_memory_bytes: None,
        breaker: BreakerState::HalfOpen,
        hit_ratio: None,
    };
    let responses = [well, gone].map(|redis| text(&ReadinessResponse::new(redis)));
    let open = text(&BreakerState::Open);
    pin(include_str!("readiness.jsonl"), &[&responses[..], &[open]].concat());
}

#[test]
fn cache() {
    let figures = CacheFigures {
        requests: 10,
        hits: 6,
        stale: 1,
        memory: 1,
        misses: 2,
        hit_permille: 800,
        mean_response_micros: 900,
        mean_load_micros: 4000,
        errors: 1,
        failures: 0,
        damaged: 0,
    };
    let redis =
        RedisFigures { uptime_secs: Some(86_400), used_memory_bytes: Some(1024), ..Default::default() };
    let report = CacheReportResponse {
        day: "2025-12-07".into(),
        total: figures,
        kinds: vec![KindFigures { kind: "product".into(), figures }],
        redis: Some(redis),
    };
    assert_eq!(serde_json::from_str::<CacheReportResponse>(&text(&report)).unwrap(), report);
    let stats = CacheStatsResponse {
        at: AT.into(),
        breaker: BreakerState::HalfOpen,
        latency_micros: None,
        total: figures,
        kinds: Vec::new(),
    };
    let some = |text: &str| Some(text.to_owned());
    let table_name = "products".to_owned();
    let values = [
        text(&report),
        text(&stats),
        text(&InvalidateRequest { kind: None, pattern: None, cursor: None }),
        text(&InvalidateRequest { kind: some("product"), pattern: some("2:*"), cursor: some("0.17") }),
        text(&InvalidateResponse { removed: 12, next_cursor: None }),
        text(&WarmRequest { table_name, branch_id: None, cursor: None }),
        text(&WarmResponse { looked: 100, stored: 97, next_cursor: some("cC0xMDA") }),
    ];
    pin(include_str!("cache.jsonl"), &values);
}
