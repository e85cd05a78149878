//! The limits of a deployment.

use crate::limits::{
    ADDRESS_PER_MINUTE, LOGIN_ADDRESS_PER_MINUTE, LOGIN_NAME_PER_MINUTE, LOGIN_WITHOUT_REDIS_DIVISOR,
    USER_PER_MINUTE,
};
use crate::rate::limit::Limit;

/// Every limit there is. What a request counts against is for the door to say: one user's own quota, or at the
/// addresses that take no token, the caller's address and the name it wants to sign in with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rates {
    /// Requests of one user, of those that are not about sync.
    pub user: Limit,
    /// Requests without a token from one address, sign-ins aside.
    pub address: Limit,
    /// Sign-ins as one user, so that passwords cannot be tried out.
    pub login_name: Limit,
    /// Sign-ins from one address, so that names cannot be tried out; a shop's tills share one.
    pub login_address: Limit,
}

impl Default for Rates {
    fn default() -> Rates {
        Rates {
            user: Limit::per_minute("user", USER_PER_MINUTE),
            address: Limit::per_minute("address", ADDRESS_PER_MINUTE),
            login_name: Limit::per_minute("login-name", LOGIN_NAME_PER_MINUTE),
            login_address: Limit::per_minute("login-address", LOGIN_ADDRESS_PER_MINUTE),
        }
    }
}

impl Rates {
    /// The limits while each isolate counts for itself. The general ones stay as they are; for signing in, where one too
    /// many is a password tried, many isolates together must not let in more than one memory would.
    pub fn without_redis(self) -> Rates {
        let strict = |limit: Limit| limit.divided_by(LOGIN_WITHOUT_REDIS_DIVISOR);
        Rates { login_name: strict(self.login_name), login_address: strict(self.login_address), ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limits_are_those_that_are_promised() {
        let rates = Rates::default();
        let quotas = |rates: Rates| {
            [rates.user, rates.address, rates.login_name, rates.login_address].map(|limit| limit.quota())
        };
        assert_eq!(quotas(rates), [100, 100, 10, 100]);
        assert_eq!(quotas(rates.without_redis()), [100, 100, 1, 10]);
    }
}
