//! A limit is a number of requests per minute; [`Rates`] has the limits of a deployment.

use crate::limits::{
    ADDRESS_PER_MINUTE, CLIENT_SYNC_PER_MINUTE, LOGIN_ADDRESS_PER_MINUTE, LOGIN_WITHOUT_REDIS_DIVISOR,
    USER_PER_MINUTE,
};

/// The window of every limit in seconds.
pub const WINDOW_SECS: u64 = 60;
/// The window in microseconds.
const WINDOW_MICROS: u64 = WINDOW_SECS * 1_000_000;

/// The largest quota that a deployment may set, in requests per minute.
const QUOTA_MAX: u32 = 1_000_000;

/// Not a valid quota.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("it must be a whole number of requests a minute, from 1 to {QUOTA_MAX}")]
pub struct NotAQuota;

/// A number of requests per minute for one caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// The name in responses: printable ASCII without quotes, since it stands in a header.
    pub name: &'static str,
    quota: u32,
}

impl Limit {
    /// A limit of `quota` requests per minute; at least one.
    pub const fn per_minute(name: &'static str, quota: u32) -> Limit {
        Limit { name, quota: if quota == 0 { 1 } else { quota } }
    }

    /// Requests per minute, and in one burst.
    pub fn quota(self) -> u32 {
        self.quota
    }

    /// The same limit with the quota in `text`.
    pub fn with_quota(self, text: &str) -> Result<Limit, NotAQuota> {
        let quota = text.parse().ok().filter(|quota| (1..=QUOTA_MAX).contains(quota));
        quota.map(|quota| Limit { quota, ..self }).ok_or(NotAQuota)
    }

    /// Microseconds after which one request comes back. Rounded up, so that no window gets one request too
    /// many.
    pub fn interval_micros(self) -> u64 {
        WINDOW_MICROS.div_ceil(u64::from(self.quota))
    }

    /// Microseconds after which the whole quota comes back.
    pub fn capacity_micros(self) -> u64 {
        self.interval_micros() * u64::from(self.quota)
    }

    /// The same limit with the quota divided by `divisor`; at least one request.
    pub fn divided_by(self, divisor: u32) -> Limit {
        Limit::per_minute(self.name, self.quota / divisor.max(1))
    }
}

/// Every limit. Admission decides which of them apply to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rates {
    /// Requests of one user, except sync.
    pub user: Limit,
    /// Requests without a token from one address, except sign-ins.
    pub address: Limit,
    /// Sign-ins from one address; a shop's tills share an address. Failures also count per name, in the
    /// accounts table: see [`crate::failures`].
    pub login_address: Limit,
    /// Sync requests of one client, counted by each isolate.
    pub client_sync: Limit,
}

impl Default for Rates {
    fn default() -> Rates {
        Rates {
            user: Limit::per_minute("user", USER_PER_MINUTE),
            address: Limit::per_minute("address", ADDRESS_PER_MINUTE),
            login_address: Limit::per_minute("login-address", LOGIN_ADDRESS_PER_MINUTE),
            client_sync: Limit::per_minute("client-sync", CLIENT_SYNC_PER_MINUTE),
        }
    }
}

impl Rates {
    /// The limits while each isolate counts for itself. The limit of sign-ins is divided, so that many
    /// isolates together allow few guesses of a password.
    pub fn for_one_isolate(self) -> Rates {
        Rates { login_address: self.login_address.divided_by(LOGIN_WITHOUT_REDIS_DIVISOR), ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limit(quota: u32) -> Limit {
        Limit::per_minute("test", quota)
    }

    #[test]
    fn a_request_comes_back_after_its_share_of_the_minute() {
        assert_eq!((limit(100).interval_micros(), limit(100).capacity_micros()), (600_000, 60_000_000));
        // Rounded up by a third of a microsecond.
        assert_eq!((limit(7).interval_micros(), limit(7).capacity_micros()), (8_571_429, 60_000_003));
        assert_eq!(limit(1).interval_micros(), 60_000_000);
    }

    #[test]
    fn every_figure_is_exact_as_a_double() {
        assert!(limit(u32::MAX).capacity_micros() < 1 << 53);
    }

    #[test]
    fn a_divided_limit_is_at_least_one() {
        let tenth = |quota| limit(quota).divided_by(10).quota();
        assert_eq!((tenth(100), tenth(19), tenth(9), tenth(1)), (10, 1, 1, 1));
        assert_eq!(limit(0).quota(), 1);
    }

    #[test]
    fn a_quota_is_a_positive_number() {
        assert_eq!(limit(1).with_quota("250").map(Limit::quota), Ok(250));
        for bad in ["", "0", "-1", "1.5", "many", "1000001", "99999999999"] {
            assert_eq!(limit(1).with_quota(bad), Err(NotAQuota), "{bad}");
        }
    }

    #[test]
    fn the_default_limits_are_pinned() {
        let rates = Rates::default();
        let quotas =
            |rates: Rates| [rates.user, rates.address, rates.login_address].map(|limit| limit.quota());
        assert_eq!(quotas(rates), [100, 100, 100]);
        assert_eq!(quotas(rates.for_one_isolate()), [100, 100, 10]);
        assert_eq!(rates.client_sync.quota(), 60_000);
    }
}
