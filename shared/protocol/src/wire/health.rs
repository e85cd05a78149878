//! `GET /readyz`.

use serde::{Deserialize, Serialize};

/// The response of `GET /healthz`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct HealthResponse {
    /// Always `ok`; an edge with incomplete configuration responds with 500.
    #[cfg_attr(feature = "schema", schemars(extend("const" = "ok")))]
    pub status: HealthStatus,
}

/// Readiness of the edge and its dependencies.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ReadinessResponse {
    /// Whether every part responds. Without Redis the edge still serves every request but the cache's own.
    pub status: HealthStatus,
    /// Redis, which holds limits, sessions and caches.
    pub redis: RedisHealth,
    /// The function that answers statistics, in place of all.
    pub function: PartHealth,
    /// DynamoDB, as that function reaches it.
    pub database: PartHealth,
    /// A room.
    pub room: PartHealth,
}

/// A part of the service as this edge, or its function, sees it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PartHealth {
    /// Whether it responded.
    pub reachable: bool,
    /// Microseconds until it responded; `null` if it did not.
    pub latency_micros: Option<u64>,
}

impl PartHealth {
    /// A part that responded after `micros`.
    pub fn after(micros: u64) -> PartHealth {
        PartHealth { reachable: true, latency_micros: Some(micros) }
    }
}

/// The operation id by which the edge asks a function for [`DatabaseHealth`]. Clients never see it.
pub const HEALTH_OPERATION: &str = "checkHealth";

/// What a function tells of DynamoDB.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DatabaseHealth {
    /// DynamoDB.
    pub database: PartHealth,
}

/// The parts besides Redis.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OtherParts {
    /// A function.
    pub function: PartHealth,
    /// DynamoDB.
    pub database: PartHealth,
    /// A room.
    pub room: PartHealth,
}

/// Whether every dependency responds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum HealthStatus {
    /// All respond.
    Ok,
    /// A part does not respond.
    Degraded,
}

/// Redis as this edge sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RedisHealth {
    /// Whether it responded.
    pub reachable: bool,
    /// Microseconds until it responded; `null` if it did not.
    pub latency_micros: Option<u64>,
    /// Bytes of memory in use; `null` if it does not report them.
    pub used_memory_bytes: Option<u64>,
    /// The circuit breaker in front of Redis.
    pub breaker: BreakerState,
    /// Share of the requested keys that existed, such as `0.93`; `null` before the first.
    pub hit_ratio: Option<String>,
}

/// The state of a circuit breaker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum BreakerState {
    /// Requests pass.
    Closed,
    /// Too many requests failed; none pass for a while.
    Open,
    /// One request passes to test whether Redis is back.
    HalfOpen,
}

impl ReadinessResponse {
    /// The response for this state of all parts.
    pub fn new(redis: RedisHealth, others: OtherParts) -> ReadinessResponse {
        let OtherParts { function, database, room } = others;
        let all_respond = redis.reachable && [function, database, room].iter().all(|part| part.reachable);
        let status = if all_respond { HealthStatus::Ok } else { HealthStatus::Degraded };
        ReadinessResponse { status, redis, function, database, room }
    }

    /// The parts that do not respond and that requests fail without.
    pub fn missing(&self) -> Vec<&'static str> {
        let parts = [("function", self.function), ("database", self.database), ("room", self.room)];
        parts.into_iter().filter(|(_, part)| !part.reachable).map(|(name, _)| name).collect()
    }
}

/// The share of `hits` in all lookups, rounded down to two digits, as [`RedisHealth::hit_ratio`] has it;
/// `None` without lookups.
pub fn hit_ratio(hits: u64, misses: u64) -> Option<String> {
    let all = u128::from(hits) + u128::from(misses);
    let hundredths = (u128::from(hits) * 100).checked_div(all)?;
    Some(format!("{}.{:02}", hundredths / 100, hundredths % 100))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ratio_has_two_digits_and_is_never_rounded_up() {
        let ratio = |hits, misses| hit_ratio(hits, misses).unwrap();
        assert_eq!(ratio(93, 7), "0.93");
        assert_eq!(ratio(1, 0), "1.00");
        assert_eq!(ratio(999, 1), "0.99");
        assert_eq!(ratio(0, 5), "0.00");
        assert_eq!(ratio(u64::MAX, u64::MAX), "0.50");
        assert_eq!(hit_ratio(0, 0), None);
    }
}
