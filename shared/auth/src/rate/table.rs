//! The limits of a deployment.

use crate::limits::{
    ADDRESS_PER_MINUTE, LOGIN_ADDRESS_PER_MINUTE, LOGIN_NAME_PER_MINUTE, LOGIN_WITHOUT_REDIS_DIVISOR,
    USER_PER_MINUTE,
};
use crate::rate::limit::Limit;

/// Every limit. Admission decides which of them apply to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rates {
    /// Requests of one user, except sync.
    pub user: Limit,
    /// Requests without a token from one address, except sign-ins.
    pub address: Limit,
    /// Sign-ins with one user name, against guessing passwords.
    pub login_name: Limit,
    /// Sign-ins from one address, against guessing user names; a shop's tills share an address.
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
    /// The limits while each isolate counts for itself. Sign-in limits are divided, so that many isolates
    /// together allow few guesses of a password.
    pub fn for_one_isolate(self) -> Rates {
        let strict = |limit: Limit| limit.divided_by(LOGIN_WITHOUT_REDIS_DIVISOR);
        Rates { login_name: strict(self.login_name), login_address: strict(self.login_address), ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_limits_are_pinned() {
        let rates = Rates::default();
        let quotas = |rates: Rates| {
            [rates.user, rates.address, rates.login_name, rates.login_address].map(|limit| limit.quota())
        };
        assert_eq!(quotas(rates), [100, 100, 10, 100]);
        assert_eq!(quotas(rates.for_one_isolate()), [100, 100, 1, 10]);
    }
}
