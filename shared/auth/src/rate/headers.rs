//! A decision as response headers: the three widely known ones, and the two of
//! draft-ietf-httpapi-ratelimit-headers-11.

use crate::rate::decision::{LimitState, RateDecision};

/// The headers of a response; with `Retry-After` if the request was refused.
///
/// The three known headers have room for one limit, the tightest. `RateLimit-Reset` and `t` are the seconds
/// within which no more than the remaining requests are allowed, as the draft defines them, so `Retry-After`
/// is never earlier.
pub fn fields(decision: &RateDecision) -> Vec<(&'static str, String)> {
    let Some(tightest) = decision.tightest() else { return Vec::new() };
    let mut fields = vec![
        ("ratelimit-limit", tightest.limit.quota().to_string()),
        ("ratelimit-remaining", tightest.remaining().to_string()),
        ("ratelimit-reset", tightest.reset_secs().to_string()),
        ("ratelimit-policy", list(&decision.states, policy)),
        ("ratelimit", list(&decision.states, service_limit)),
    ];
    fields.extend(decision.retry_after_secs().map(|secs| ("retry-after", secs.to_string())));
    fields
}

/// A list of structured fields (RFC 9651).
fn list(states: &[LimitState], item: impl Fn(&LimitState) -> String) -> String {
    states.iter().map(item).collect::<Vec<_>>().join(", ")
}

fn policy(state: &LimitState) -> String {
    let limit = state.limit;
    format!("\"{}\";q={};w={}", limit.name, limit.quota(), limit.window_secs())
}

fn service_limit(state: &LimitState) -> String {
    format!("\"{}\";r={};t={}", state.limit.name, state.remaining(), state.reset_secs())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rate::limit::Limit;

    fn state(name: &'static str, quota: u32, debt_micros: u64) -> LimitState {
        LimitState { limit: Limit::per_minute(name, quota), debt_micros }
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
        assert_eq!(fields(&decision), expected.map(|(name, value)| (name, value.to_owned())));
    }

    #[test]
    fn of_several_limits_the_old_headers_show_the_tightest_with_a_retry_after() {
        let states = vec![state("login-name", 10, 57_000_000), state("login-address", 100, 3_000_000)];
        let decision = RateDecision { allowed: false, states };
        let expected = [
            ("ratelimit-limit", "10"),
            ("ratelimit-remaining", "0"),
            ("ratelimit-reset", "3"),
            ("ratelimit-policy", "\"login-name\";q=10;w=60, \"login-address\";q=100;w=60"),
            ("ratelimit", "\"login-name\";r=0;t=3, \"login-address\";r=95;t=1"),
            ("retry-after", "3"),
        ];
        assert_eq!(fields(&decision), expected.map(|(name, value)| (name, value.to_owned())));
    }

    #[test]
    fn no_limits_give_no_headers() {
        assert!(fields(&RateDecision { allowed: true, states: Vec::new() }).is_empty());
    }
}
