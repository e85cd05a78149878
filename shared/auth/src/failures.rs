//! Delays after failed sign-ins, against guessing passwords.
//!
//! The first failures are free, so that a typing error costs nothing. Each further one doubles the delay
//! before the next attempt, up to a maximum: no one is locked out for good (NIST SP 800-63B-4, section
//! 3.2.2).

use crate::limits::{LOGIN_DELAY_SECS_MAX, LOGIN_FAILURES_FREE, LOGIN_FAILURES_SECS};
use protocol::error::{ApiError, ErrorCode};
use protocol::timestamp::Timestamp;
use protocol::wire::error_response::RateLimitDetails;

/// Name of the limit in the details of a refusal.
pub const POLICY: &str = "login-failures";

/// The failures that one counter holds. An attempt counts as a failure until it succeeds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failures {
    /// How many there were.
    pub count: u32,
    /// When the last one was.
    pub last: Timestamp,
}

impl Failures {
    /// Whether the next attempt needs no delay.
    pub fn is_free(self) -> bool {
        self.count < LOGIN_FAILURES_FREE
    }

    /// Whether they are so old that they no longer count.
    pub fn is_forgotten(self, now: Timestamp) -> bool {
        self.last.plus_secs(LOGIN_FAILURES_SECS) <= now
    }

    /// Seconds until the next attempt is allowed at `now`, rounded up; 0 if it is.
    pub fn wait_secs(self, now: Timestamp) -> u64 {
        if self.is_free() || self.is_forgotten(now) {
            return 0;
        }
        let doublings = self.count - LOGIN_FAILURES_FREE;
        let delay_secs = 1_u64.checked_shl(doublings).unwrap_or(u64::MAX).min(LOGIN_DELAY_SECS_MAX);
        // A clock that was ahead delays no longer than the maximum.
        let wait_micros = self.last.min(now).plus_secs(delay_secs).0.saturating_sub(now.0);
        wait_micros.div_ceil(1_000_000)
    }

    /// The failures after one more attempt at `now`.
    pub fn and_one_more(self, now: Timestamp) -> Failures {
        let count = if self.is_forgotten(now) { 0 } else { self.count };
        Failures { count: count.saturating_add(1), last: now }
    }
}

/// The refusal of an attempt that must wait.
pub fn refusal(wait_secs: u64) -> ApiError {
    let retry_after_secs = wait_secs.max(1);
    let details = RateLimitDetails {
        policy: POLICY,
        limit: LOGIN_FAILURES_FREE,
        window_secs: LOGIN_FAILURES_SECS,
        retry_after_secs,
    };
    let message = format!("Too many wrong passwords; come back in {retry_after_secs} s.");
    let error = ApiError::new(ErrorCode::RateLimited, message).with_details(&details);
    ApiError { retry_after_secs: Some(retry_after_secs), ..error }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_765_103_400_000_000);

    fn wait_secs(count: u32, after_secs: u64) -> u64 {
        Failures { count, last: NOW }.wait_secs(NOW.plus_secs(after_secs))
    }

    #[test]
    fn the_delay_doubles_after_the_free_failures_up_to_the_maximum() {
        assert_eq!((0..LOGIN_FAILURES_FREE).map(|count| wait_secs(count, 0)).max(), Some(0));
        let delays: Vec<u64> = (0..12).map(|more| wait_secs(LOGIN_FAILURES_FREE + more, 0)).collect();
        assert_eq!(delays, [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900]);
        assert_eq!(wait_secs(u32::MAX, 0), LOGIN_DELAY_SECS_MAX);
    }

    #[test]
    fn an_attempt_is_allowed_once_its_delay_is_over() {
        let count = LOGIN_FAILURES_FREE + 3;
        assert_eq!((wait_secs(count, 7), wait_secs(count, 8), wait_secs(count, 9)), (1, 0, 0));
        let begun = Failures { count, last: NOW }.wait_secs(Timestamp(NOW.0 + 7_000_001));
        assert_eq!(begun, 1);
    }

    #[test]
    fn failures_are_forgotten_after_a_day_and_a_wrong_clock_locks_no_one_out() {
        assert_eq!(wait_secs(u32::MAX, LOGIN_FAILURES_SECS), 0);
        let many = Failures { count: u32::MAX, last: NOW };
        assert_eq!(many.and_one_more(NOW.plus_secs(LOGIN_FAILURES_SECS)).count, 1);
        assert_eq!(many.and_one_more(NOW).count, u32::MAX);
        let ahead = Failures { count: u32::MAX, last: NOW.plus_secs(1_000_000) };
        assert_eq!(ahead.wait_secs(NOW), LOGIN_DELAY_SECS_MAX);
    }

    #[test]
    fn a_refusal_says_when_to_come_back() {
        let error = refusal(4);
        assert_eq!((error.code, error.retry_after_secs()), (ErrorCode::RateLimited, Some(4)));
        let details = r#"{"policy":"login-failures","limit":10,"window_secs":86400,"retry_after_secs":4}"#;
        assert_eq!(serde_json::to_string(&error.details).unwrap(), details);
    }
}
