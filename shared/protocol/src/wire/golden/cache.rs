use super::text;
use crate::wire::cache::{
    CacheFigures, CacheReport, CacheStatsResponse, CacheWarmResponse, Invalidate, Invalidated, KindFigures,
    RedisFigures, Warm,
};
use crate::wire::health::BreakerState;

const FIGURES: &str = r#""requests":10,"hits":6,"stale":1,"memory":1,"misses":2,"hit_permille":800,"mean_response_micros":900,"mean_load_micros":4000,"errors":1,"failures":0,"damaged":0"#;

fn figures() -> CacheFigures {
    CacheFigures {
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
    }
}

#[test]
fn the_report_of_a_day() {
    let report = CacheReport {
        day: "2025-12-07".into(),
        total: figures(),
        kinds: vec![KindFigures { kind: "product".into(), figures: figures() }],
        redis: Some(RedisFigures {
            uptime_secs: Some(86_400),
            used_memory_bytes: Some(1024),
            ..RedisFigures::default()
        }),
    };
    let redis = r#"{"uptime_secs":86400,"used_memory_bytes":1024,"max_memory_bytes":null,"keyspace_hits":null,"keyspace_misses":null,"evicted_keys":null}"#;
    let expected = format!(
        r#"{{"day":"2025-12-07","total":{{{FIGURES}}},"kinds":[{{"kind":"product",{FIGURES}}}],"redis":{redis}}}"#
    );
    assert_eq!(text(&report), expected);
    assert_eq!(serde_json::from_str::<CacheReport>(&expected).unwrap(), report);
}

#[test]
fn the_figures_of_a_process() {
    let stats = CacheStatsResponse {
        at: "2025-12-07T10:30:01.000123Z".into(),
        breaker: BreakerState::HalfOpen,
        latency_micros: None,
        total: figures(),
        kinds: Vec::new(),
    };
    let expected = format!(
        r#"{{"at":"2025-12-07T10:30:01.000123Z","breaker":"half_open","latency_micros":null,"total":{{{FIGURES}}},"kinds":[]}}"#
    );
    assert_eq!(text(&stats), expected);
    let states = [BreakerState::Closed, BreakerState::Open].map(|state| text(&state));
    assert_eq!(states, [r#""closed""#, r#""open""#]);
}

#[test]
fn what_is_done_step_by_step() {
    let all = Invalidate { kind: None, pattern: None, cursor: None };
    assert_eq!(text(&all), "{}");
    let some =
        Invalidate { kind: Some("product".into()), pattern: Some("2:*".into()), cursor: Some("0.17".into()) };
    assert_eq!(text(&some), r#"{"kind":"product","pattern":"2:*","cursor":"0.17"}"#);
    let done = Invalidated { removed: 12, next_cursor: None };
    assert_eq!(text(&done), r#"{"removed":12,"next_cursor":null}"#);
    let warm = Warm { table_name: "products".into(), branch_id: None, cursor: None };
    assert_eq!(text(&warm), r#"{"table_name":"products"}"#);
    let answer = CacheWarmResponse { looked: 100, stored: 97, next_cursor: Some("cC0xMDA".into()) };
    assert_eq!(text(&answer), r#"{"looked":100,"stored":97,"next_cursor":"cC0xMDA"}"#);
}
