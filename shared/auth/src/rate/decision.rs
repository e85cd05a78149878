//! What was decided, and where the caller stands with each limit.

use std::cmp::Reverse;

use crate::rate::limit::Limit;
use protocol::error::{ApiError, ErrorCode};
use protocol::wire::rate_limit::RateLimitDetails;

/// Where a caller stands with one limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The limit.
    pub limit: Limit,
    /// Microseconds until everything that was used up has come back; never more than the limit's capacity.
    pub debt_micros: u64,
}

impl Standing {
    /// Requests that would be let in at this instant.
    pub fn remaining(self) -> u64 {
        self.limit.capacity_micros().saturating_sub(self.debt_micros) / self.limit.interval_micros()
    }

    /// Microseconds until there is one more than [`Standing::remaining`]; 0 if nothing was used up.
    pub fn reset_micros(self) -> u64 {
        let one_more = (self.remaining() + 1) * self.limit.interval_micros();
        self.debt_micros.saturating_sub(self.limit.capacity_micros().saturating_sub(one_more))
    }

    /// [`Standing::reset_micros`] in whole seconds, never too early.
    pub fn reset_secs(self) -> u64 {
        self.reset_micros().div_ceil(1_000_000)
    }
}

/// Whether one request is let in, by all of its limits or by none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// Whether it is.
    pub allowed: bool,
    /// Where the caller stands now with each limit, in the order of the question. What is refused uses up nothing.
    pub standings: Vec<Standing>,
}

impl Decision {
    /// Microseconds after which the same request would be let in, if it is refused now.
    pub fn retry_after_micros(&self) -> Option<u64> {
        let refusing = self.standings.iter().filter(|standing| standing.remaining() == 0);
        let longest = refusing.map(|standing| standing.reset_micros()).max();
        longest.filter(|_| !self.allowed)
    }

    /// [`Decision::retry_after_micros`] in whole seconds, never too early.
    pub fn retry_after_secs(&self) -> Option<u64> {
        self.retry_after_micros().map(|micros| micros.div_ceil(1_000_000).max(1))
    }

    /// The limit that is closest to refusing, or refuses for longest: what those are told who ask for one number.
    pub fn tightest(&self) -> Option<Standing> {
        let by = |standing: &&Standing| (standing.remaining(), Reverse(standing.reset_micros()));
        self.standings.iter().min_by_key(by).copied()
    }

    /// What the caller is told, if it is refused.
    pub fn refusal(&self) -> Option<ApiError> {
        let retry_after_secs = self.retry_after_secs()?;
        let Standing { limit, .. } = self.tightest()?;
        let details = RateLimitDetails {
            policy: limit.name,
            limit: limit.quota(),
            window_secs: limit.window_secs(),
            retry_after_secs,
        };
        let seconds = if retry_after_secs == 1 { "second" } else { "seconds" };
        let message = format!("Too many requests; come back in {retry_after_secs} {seconds}.");
        Some(ApiError::new(ErrorCode::RateLimited, message).with_details(&details))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn standing(name: &'static str, quota: u32, debt_micros: u64) -> Standing {
        Standing { limit: Limit::per_minute(name, quota), debt_micros }
    }

    #[test]
    fn what_remains_and_when_there_is_more_are_exact() {
        let figures = |debt| {
            let standing = standing("test", 100, debt);
            (standing.remaining(), standing.reset_micros(), standing.reset_secs())
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
    fn the_limit_that_refuses_for_longest_is_told() {
        let standings = vec![
            standing("free", 10, 0),
            standing("short", 100, 60_000_000),
            standing("long", 10, 60_000_000),
        ];
        let refused = Decision { allowed: false, standings: standings.clone() };
        assert_eq!(refused.retry_after_micros(), Some(6_000_000));
        assert_eq!(refused.tightest().unwrap().limit.name, "long");
        let refusal = refused.refusal().unwrap();
        assert_eq!(refusal.code, ErrorCode::RateLimited);
        assert_eq!(refusal.message, "Too many requests; come back in 6 seconds.");
        let details = r#"{"policy":"long","limit":10,"window_secs":60,"retry_after_secs":6}"#;
        assert_eq!(serde_json::to_string(&refusal.details).unwrap(), details);
        // The last of a quota was let in: nobody has to wait yet.
        let allowed = Decision { allowed: true, standings };
        assert_eq!((allowed.retry_after_micros(), allowed.refusal()), (None, None));
    }

    #[test]
    fn nothing_to_ask_is_nothing_to_tell() {
        let free = Decision { allowed: true, standings: Vec::new() };
        assert_eq!((free.tightest(), free.retry_after_secs()), (None, None));
    }
}
