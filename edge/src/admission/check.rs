//! What to check for one request: its session and its rate limits.

use auth::rate::limit::Limit;
use auth::rate::limit::Rates;
use protocol::claims::Claims;
use protocol::endpoints::spec::LimitScope;
use protocol::ids::{ClientId, SessionId};
use redis_client::keys::{Key, Keys};
use sha2::{Digest, Sha256};

use crate::client_info::ClientInfo;

/// Bytes of the hash of an address: enough that two never collide by chance.
const HASH_BYTES: usize = 16;

/// Who knows that a session goes on. A revocation that is cached counts in any case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SessionSource {
    /// The cache, and Redis where that does not know.
    Cache,
    Redis,
    /// The room, which asks Redis for several sockets at once.
    Room,
}

/// What to check for one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AdmissionCheck {
    /// The key of its session; `None` if its token has none.
    pub(super) session: Option<Key>,
    pub(super) asked: SessionSource,
    pub(super) limits: Vec<CountedLimit>,
    /// The ceiling of its client, which each isolate counts by itself.
    pub(super) ceiling: Option<CountedLimit>,
}

impl AdmissionCheck {
    /// The same check, with the status of the session from `asked`.
    pub(crate) fn asking(self, asked: SessionSource) -> AdmissionCheck {
        AdmissionCheck { asked, ..self }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct CountedLimit {
    pub(super) key: Key,
    pub(super) limit: Limit,
    /// The limit while Redis is unreachable.
    pub(super) local_limit: Limit,
}

/// Builds the checks of a deployment from its keys and limits.
pub(crate) struct AdmissionPolicy {
    keys: Keys,
    rates: Rates,
    local_rates: Rates,
}

impl AdmissionPolicy {
    pub(crate) fn new(keys: Keys, rates: Rates) -> AdmissionPolicy {
        AdmissionPolicy { keys, rates, local_rates: rates.for_one_isolate() }
    }

    /// The key of a session.
    pub(crate) fn session_key(&self, client: &ClientId, session: &SessionId) -> Key {
        self.keys.session(client, session.as_str())
    }

    /// The check of a request with an access token: its session, and its user's limit or its client's
    /// ceiling, whichever the endpoint has.
    pub(crate) fn for_caller(&self, claims: &Claims, scope: LimitScope) -> AdmissionCheck {
        let (client, limit) = (&claims.client_id, self.rates.user);
        let session = claims.sid.as_ref().map(|sid| self.session_key(client, sid));
        let user = || {
            let key = self.keys.rate(client, &claims.sub, limit.name);
            CountedLimit { key, limit, local_limit: self.local_rates.user }
        };
        let ceiling = || {
            let limit = self.rates.client_sync;
            CountedLimit { key: self.keys.rate(client, "", limit.name), limit, local_limit: limit }
        };
        let limits = (scope == LimitScope::User).then(user).into_iter().collect();
        let ceiling = (scope == LimitScope::Client).then(ceiling);
        AdmissionCheck { session, asked: SessionSource::Cache, limits, ceiling }
    }

    /// The check of a request without an access token.
    pub(crate) fn for_address(&self, client_info: &ClientInfo) -> AdmissionCheck {
        let counted = self.at_address(client_info, self.rates.address, self.local_rates.address);
        AdmissionCheck { session: None, asked: SessionSource::Cache, limits: vec![counted], ceiling: None }
    }

    /// The check of a sign-in. Only the function knows which sign-ins fail, so it counts failures per name.
    pub(crate) fn for_sign_in(&self, client_info: &ClientInfo) -> AdmissionCheck {
        let counted = self.at_address(client_info, self.rates.login_address, self.local_rates.login_address);
        AdmissionCheck { session: None, asked: SessionSource::Cache, limits: vec![counted], ceiling: None }
    }

    fn at_address(&self, client_info: &ClientInfo, limit: Limit, local_limit: Limit) -> CountedLimit {
        // The limit's name is part of the key: two limits count by address, each for itself.
        let key = self.keys.rate_address(&hash(&[limit.name, &client_info.rate_limit_key()]));
        CountedLimit { key, limit, local_limit }
    }
}

/// The first half of the SHA-256 of `parts`, in hexadecimal. It hides addresses from a glance at the keys,
/// not from a search over all addresses.
fn hash(parts: &[&str]) -> String {
    let mut text = hex::encode(Sha256::digest(parts.join("\n")));
    text.truncate(2 * HASH_BYTES);
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::authenticate::tests::claims;

    fn policy() -> AdmissionPolicy {
        AdmissionPolicy::new(Keys::new("t").unwrap(), Rates::default())
    }

    fn limits(check: &AdmissionCheck) -> Vec<(&str, &str, u32, u32)> {
        let counted = |it: &CountedLimit| (it.limit.name, it.limit.quota(), it.local_limit.quota());
        let limits = check.limits.iter().map(|it| (it.key.as_str(), counted(it)));
        limits.map(|(key, (name, quota, alone))| (key, name, quota, alone)).collect()
    }

    #[test]
    fn a_caller_is_checked_by_session_and_user() {
        let keys = Keys::new("t").unwrap();
        let client = "7".parse().unwrap();
        let check = policy().for_caller(&claims(Some("s1"), 0), LimitScope::User);
        assert_eq!(check.session, Some(keys.session(&client, "s1")));
        assert_eq!(limits(&check), [(keys.rate(&client, "u:1", "user").as_str(), "user", 100, 100)]);
        let check = policy().for_caller(&claims(Some("s1"), 0), LimitScope::Client);
        assert_eq!((check.session.is_some(), check.limits.len()), (true, 0));
        assert_eq!(check.ceiling.unwrap().limit, Rates::default().client_sync);
        let check = policy().for_caller(&claims(None, 0), LimitScope::User);
        assert_eq!((check.session, check.limits.len()), (None, 1));
    }

    #[test]
    fn no_key_holds_an_address() {
        let client_info = ClientInfo::new(Some("203.0.113.7"), None);
        let check = policy().for_sign_in(&client_info);
        let key = "t:@door:rate:address:17bdb8b9411d41f30f6856727030a777";
        assert_eq!(limits(&check), [(key, "login-address", 100, 10)]);
        let at_address = policy().for_address(&client_info);
        let key = "t:@door:rate:address:0040b852582c3119758d1e870db3e1e4";
        assert_eq!(limits(&at_address), [(key, "address", 100, 100)]);
    }
}
