//! A decision as header fields: the three that many clients know, and the two that are to become a standard
//! (draft-ietf-httpapi-ratelimit-headers-11). All are written from one [`Decision`].

use crate::rate::decision::{Decision, Standing};

/// The fields of an answer to a request that was decided so; with `Retry-After` if it was refused.
///
/// Three fields have room for one limit, the tightest. `RateLimit-Reset` and `t` are the seconds within which no more
/// than what remains is let in, as the draft has it; so `Retry-After` is never earlier.
pub fn fields(decision: &Decision) -> Vec<(&'static str, String)> {
    let Some(tightest) = decision.tightest() else { return Vec::new() };
    let mut fields = vec![
        ("ratelimit-limit", tightest.limit.quota().to_string()),
        ("ratelimit-remaining", tightest.remaining().to_string()),
        ("ratelimit-reset", tightest.reset_secs().to_string()),
        ("ratelimit-policy", list(&decision.standings, policy)),
        ("ratelimit", list(&decision.standings, service_limit)),
    ];
    fields.extend(decision.retry_after_secs().map(|secs| ("retry-after", secs.to_string())));
    fields
}

/// A list of structured fields (RFC 9651).
fn list(standings: &[Standing], item: impl Fn(&Standing) -> String) -> String {
    standings.iter().map(item).collect::<Vec<_>>().join(", ")
}

fn policy(standing: &Standing) -> String {
    let limit = standing.limit;
    format!("\"{}\";q={};w={}", limit.name, limit.quota(), limit.window_secs())
}

fn service_limit(standing: &Standing) -> String {
    format!("\"{}\";r={};t={}", standing.limit.name, standing.remaining(), standing.reset_secs())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rate::limit::Limit;

    fn standing(name: &'static str, quota: u32, debt_micros: u64) -> Standing {
        Standing { limit: Limit::per_minute(name, quota), debt_micros }
    }

    #[test]
    fn one_limit_is_told_in_both_ways() {
        let decision = Decision { allowed: true, standings: vec![standing("user", 100, 600_000)] };
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
    fn of_several_limits_the_old_fields_tell_the_tightest_and_a_refusal_says_when_to_come_back() {
        let standings =
            vec![standing("login-name", 10, 57_000_000), standing("login-address", 100, 3_000_000)];
        let decision = Decision { allowed: false, standings };
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
    fn where_there_is_no_limit_there_is_nothing_to_tell() {
        assert!(fields(&Decision { allowed: true, standings: Vec::new() }).is_empty());
    }
}
