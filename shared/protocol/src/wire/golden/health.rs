use super::text;
use crate::wire::health::{BreakerState, Ready, RedisHealth};
use crate::wire::rate_limit::RateLimitDetails;

#[test]
fn how_well_the_edge_is() {
    let well = RedisHealth {
        reachable: true,
        latency_micros: Some(1850),
        used_memory_bytes: Some(1_048_576),
        breaker: BreakerState::Closed,
        hit_ratio: Some("0.93".into()),
    };
    assert_eq!(
        text(&Ready::new(well)),
        r#"{"status":"ok","redis":{"reachable":true,"latency_micros":1850,"used_memory_bytes":1048576,"breaker":"closed","hit_ratio":"0.93"}}"#
    );
    let gone = RedisHealth {
        reachable: false,
        latency_micros: None,
        used_memory_bytes: None,
        breaker: BreakerState::HalfOpen,
        hit_ratio: None,
    };
    assert_eq!(
        text(&Ready::new(gone)),
        r#"{"status":"degraded","redis":{"reachable":false,"latency_micros":null,"used_memory_bytes":null,"breaker":"half_open","hit_ratio":null}}"#
    );
    assert_eq!(text(&BreakerState::Open), r#""open""#);
}

#[test]
fn the_details_of_a_limit() {
    let limited = RateLimitDetails { policy: "user", limit: 100, window_secs: 60, retry_after_secs: 3 };
    assert_eq!(text(&limited), r#"{"policy":"user","limit":100,"window_secs":60,"retry_after_secs":3}"#);
}
