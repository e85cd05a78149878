//! `GET /readyz`.

use serde::{Deserialize, Serialize};

/// The response of `GET /healthz`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct HealthResponse {
    /// Always `ok`; an edge that lacks a setting answers 500.
    pub status: Status,
}

/// How well the edge and what it stands on are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Ready {
    /// Whether everything answers. Without Redis the edge still serves every request.
    pub status: Status,
    /// The memory that limits, sessions and caches are kept in.
    pub redis: RedisHealth,
}

/// Whether everything answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// It does.
    Ok,
    /// Something does not, and what it is for is done in another way.
    Degraded,
}

/// How well Redis is, as this edge sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RedisHealth {
    /// Whether it answered.
    pub reachable: bool,
    /// Microseconds until it answered; `null` if it did not.
    pub latency_micros: Option<u64>,
    /// Bytes it uses; `null` if it does not say.
    pub used_memory_bytes: Option<u64>,
    /// What stands between the edge and a Redis that fails.
    pub breaker: BreakerState,
    /// Of 1, how many of the keys that were asked for were there, with two digits; `null` before the first.
    pub hit_ratio: Option<String>,
}

/// Whether Redis is asked at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum BreakerState {
    /// It is.
    Closed,
    /// It failed too often, and is left alone for a while.
    Open,
    /// One question finds out whether it is back.
    HalfOpen,
}

impl Ready {
    /// The answer about `redis`.
    pub fn new(redis: RedisHealth) -> Ready {
        let status = if redis.reachable { Status::Ok } else { Status::Degraded };
        Ready { status, redis }
    }
}

/// The share of `hits` in all questions, rounded down, as [`RedisHealth::hit_ratio`] has it.
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
