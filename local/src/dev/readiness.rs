//! How well the edge finds Redis, for the line that says so.

use std::time::Duration;

use protocol::wire::health::ReadinessResponse;

/// How long the edge may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// What the edge at `edge_url` says; none, if it says nothing.
pub(super) async fn ask(edge_url: &str) -> Option<ReadinessResponse> {
    let client = reqwest::Client::builder().no_proxy().timeout(PATIENCE).build().ok()?;
    let answer = client.get(format!("{edge_url}/readyz")).send().await.ok()?;
    serde_json::from_slice(&answer.bytes().await.ok()?).ok()
}

/// One line of it.
pub(super) fn line(ready: Option<&ReadinessResponse>) -> String {
    let Some(redis) = ready.map(|ready| &ready.redis).filter(|redis| redis.reachable) else {
        return "not reachable".to_owned();
    };
    let or_unknown = |known: Option<String>| known.unwrap_or_else(|| "unknown".to_owned());
    let breaker = serde_json::to_string(&redis.breaker).unwrap_or_default();
    format!(
        "answers in {} µs, uses {} KiB, breaker {}, hit ratio {}",
        or_unknown(redis.latency_micros.map(|micros| micros.to_string())),
        or_unknown(redis.used_memory_bytes.map(|bytes| (bytes >> 10).to_string())),
        breaker.trim_matches('"'),
        or_unknown(redis.hit_ratio.clone()),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::wire::health::{BreakerState, RedisHealth};

    #[test]
    fn the_line_says_how_redis_is() {
        let redis = RedisHealth {
            reachable: true,
            latency_micros: Some(412),
            used_memory_bytes: Some(1_048_576),
            breaker: BreakerState::Closed,
            hit_ratio: None,
        };
        let expected = "answers in 412 µs, uses 1024 KiB, breaker closed, hit ratio unknown";
        assert_eq!(line(Some(&ReadinessResponse::new(redis.clone()))), expected);
        assert_eq!(
            line(Some(&ReadinessResponse::new(RedisHealth { reachable: false, ..redis }))),
            "not reachable"
        );
        assert_eq!(line(None), "not reachable");
    }
}
