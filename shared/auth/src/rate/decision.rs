//! The result of a rate limit check, and its response headers.

use std::cmp::Reverse;

use crate::rate::limit::{Limit, WINDOW_SECS};
use protocol::error::{ApiError, ErrorCode};
use protocol::wire::error_response::RateLimitDetails;

/// The state of one limit for a caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LimitState {
    /// The limit.
    pub limit: Limit,
    /// Microseconds until the quota is whole again; at most the capacity of the limit.
    pub debt_micros: u64,
}

impl LimitState {
    /// Number of requests that would be allowed now.
    pub fn remaining(self) -> u64 {
        self.limit.capacity_micros().saturating_sub(self.debt_micros) / self.limit.interval_micros()
    }

    /// Microseconds until one more request than [`LimitState::remaining`] is allowed; 0 if the quota is
    /// whole.
    pub fn reset_micros(self) -> u64 {
        let one_more = (self.remaining() + 1) * self.limit.interval_micros();
        self.debt_micros.saturating_sub(self.limit.capacity_micros().saturating_sub(one_more))
    }

    /// [`LimitState::reset_micros`] in whole seconds, rounded up.
    pub fn reset_secs(self) -> u64 {
        self.reset_micros().div_ceil(1_000_000)
    }
}

/// Whether a request is allowed: by all of its limits, or not at all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RateDecision {
    /// Whether the request is allowed.
    pub allowed: bool,
    /// The state of each limit after the decision, in the order of the check. A refused request uses no
    /// quota.
    pub states: Vec<LimitState>,
}

impl RateDecision {
    /// Microseconds after which the same request would be allowed; `None` if it is allowed now.
    pub fn retry_after_micros(&self) -> Option<u64> {
        let refusing = self.states.iter().filter(|state| state.remaining() == 0);
        let longest = refusing.map(|state| state.reset_micros()).max();
        longest.filter(|_| !self.allowed)
    }

    /// [`RateDecision::retry_after_micros`] in whole seconds, rounded up.
    pub fn retry_after_secs(&self) -> Option<u64> {
        self.retry_after_micros().map(|micros| micros.div_ceil(1_000_000).max(1))
    }

    /// The limit with the fewest remaining requests, or the longest wait: the one that headers with room for
    /// one limit show.
    pub fn tightest(&self) -> Option<LimitState> {
        let by = |state: &&LimitState| (state.remaining(), Reverse(state.reset_micros()));
        self.states.iter().min_by_key(by).copied()
    }

    /// The response headers: three widely known ones, two of draft-ietf-httpapi-ratelimit-headers-11, and
    /// `Retry-After` if the request was refused.
    ///
    /// The three known headers have room for one limit, the tightest. `RateLimit-Reset` and `t` are the
    /// seconds within which no more than the remaining requests are allowed, as the draft defines them, so
    /// `Retry-After` is never earlier.
    pub fn headers(&self) -> Vec<(&'static str, String)> {
        let Some(tightest) = self.tightest() else { return Vec::new() };
        let mut fields = vec![
            ("ratelimit-limit", tightest.limit.quota().to_string()),
            ("ratelimit-remaining", tightest.remaining().to_string()),
            ("ratelimit-reset", tightest.reset_secs().to_string()),
            ("ratelimit-policy", list(&self.states, policy)),
            ("ratelimit", list(&self.states, service_limit)),
        ];
        fields.extend(self.retry_after_secs().map(|secs| ("retry-after", secs.to_string())));
        fields
    }

    /// The error for the caller; `None` if the request is allowed.
    pub fn error(&self) -> Option<ApiError> {
        let retry_after_secs = self.retry_after_secs()?;
        let LimitState { limit, .. } = self.tightest()?;
        let details = RateLimitDetails {
            policy: limit.name,
            limit: limit.quota(),
            window_secs: WINDOW_SECS,
            retry_after_secs,
        };
        let seconds = if retry_after_secs == 1 { "second" } else { "seconds" };
        let message = format!("Too many requests; come back in {retry_after_secs} {seconds}.");
        Some(ApiError::new(ErrorCode::RateLimited, message).with_details(&details))
    }
}

/// A list of structured fields (RFC 9651).
fn list(states: &[LimitState], item: impl Fn(&LimitState) -> String) -> String {
    states.iter().map(item).collect::<Vec<_>>().join(", ")
}

fn policy(state: &LimitState) -> String {
    let limit = state.limit;
    format!("\"{}\";q={};w={}", limit.name, limit.quota(), WINDOW_SECS)
}

fn service_limit(state: &LimitState) -> String {
    format!("\"{}\";r={};t={}", state.limit.name, state.remaining(), state.reset_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(name: &'static str, quota: u32, debt_micros: u64) -> LimitState {
        LimitState { limit: Limit::per_minute(name, quota), debt_micros }
    }

    #[test]
    fn remaining_and_reset_are_exact() {
        let figures = |debt| {
            let state = state("test", 100, debt);
            (state.remaining(), state.reset_micros(), state.reset_secs())
        };
        assert_eq!(figures(0), (100, 0, 0));
        assert_eq!(figures(1), (99, 1, 1));
        assert_eq!(figures(600_000), (99, 600_000, 1));
        assert_eq!(figures(600_001), (98, 1, 1));
        assert_eq!(figures(59_400_000), (1, 600_000, 1));
        assert_eq!(figures(59_400_001), (0, 1, 1));
        assert_eq!(figures(60_000_000), (0, 600_000, 1));
    }

    #[test]
    fn the_error_shows_the_limit_with_the_longest_wait() {
        let states =
            vec![state("free", 10, 0), state("short", 100, 60_000_000), state("long", 10, 60_000_000)];
        let refused = RateDecision { allowed: false, states: states.clone() };
        assert_eq!(refused.retry_after_micros(), Some(6_000_000));
        assert_eq!(refused.tightest().unwrap().limit.name, "long");
        let error = refused.error().unwrap();
        assert_eq!(error.code, ErrorCode::RateLimited);
        assert_eq!(error.message, "Too many requests; come back in 6 seconds.");
        let details = r#"{"policy":"long","limit":10,"window_secs":60,"retry_after_secs":6}"#;
        assert_eq!(serde_json::to_string(&error.details).unwrap(), details);
        // The last request of a quota is allowed, so there is nothing to wait for.
        let allowed = RateDecision { allowed: true, states };
        assert_eq!((allowed.retry_after_micros(), allowed.error()), (None, None));
    }

    #[test]
    fn one_limit_is_in_both_kinds_of_headers() {
        let decision = RateDecision { allowed: true, states: vec![state("user", 100, 600_000)] };
        let expected = [
            ("ratelimit-limit", "100"),
            ("ratelimit-remaining", "99"),
            ("ratelimit-reset", "1"),
            ("ratelimit-policy", "\"user\";q=100;w=60"),
            ("ratelimit", "\"user\";r=99;t=1"),
        ];
        assert_eq!(decision.headers(), expected.map(|(name, value)| (name, value.to_owned())));
    }

    #[test]
    fn of_several_limits_the_old_headers_show_the_tightest_with_a_retry_after() {
        let states = vec![state("other", 10, 57_000_000), state("login-address", 100, 3_000_000)];
        let decision = RateDecision { allowed: false, states };
        let expected = [
            ("ratelimit-limit", "10"),
            ("ratelimit-remaining", "0"),
            ("ratelimit-reset", "3"),
            ("ratelimit-policy", "\"other\";q=10;w=60, \"login-address\";q=100;w=60"),
            ("ratelimit", "\"other\";r=0;t=3, \"login-address\";r=95;t=1"),
            ("retry-after", "3"),
        ];
        assert_eq!(decision.headers(), expected.map(|(name, value)| (name, value.to_owned())));
    }

    #[test]
    fn no_limits_give_no_tightest_no_wait_and_no_headers() {
        let free = RateDecision { allowed: true, states: Vec::new() };
        assert_eq!((free.tightest(), free.retry_after_secs(), free.headers()), (None, None, Vec::new()));
    }
}
