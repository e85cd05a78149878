//! What is asked about a request: its session, and the limits it counts against.

use auth::rate::limit::Limit;
use auth::rate::table::Rates;
use protocol::claims::Claims;
use redis_client::keys::{Key, Keys};
use sha2::{Digest, Sha256};

use crate::origin::Origin;
use crate::route::Guard;

/// Bytes of a hash that stands for a name or an address: enough that no two of them are one by chance.
const HASH_BYTES: usize = 16;

/// What is asked about one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Question {
    /// Where its session is; none, if its token was issued without.
    pub(super) session: Option<Key>,
    /// Whether nothing counts that was said of the session before.
    pub(super) anew: bool,
    /// What it counts against.
    pub(super) limits: Vec<Counted>,
}

impl Question {
    /// The same, to be answered by Redis and not by what it said some seconds ago.
    pub(crate) fn anew(self) -> Question {
        Question { anew: true, ..self }
    }
}

/// A limit and whose count it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Counted {
    /// Where the count is.
    pub(super) key: Key,
    /// The limit.
    pub(super) limit: Limit,
    /// The limit while the isolate counts by itself.
    pub(super) alone: Limit,
}

/// Asks about requests by the keys and limits of a deployment.
pub(crate) struct Questions {
    keys: Keys,
    rates: Rates,
    alone: Rates,
}

impl Questions {
    /// By these keys and limits.
    pub(crate) fn new(keys: Keys, rates: Rates) -> Questions {
        Questions { keys, rates, alone: rates.without_redis() }
    }

    /// About a request with a token of these claims, to an address with this guard.
    pub(crate) fn of_caller(&self, claims: &Claims, guard: Guard) -> Question {
        let (client, limit) = (&claims.client_id, self.rates.user);
        let session = claims.sid.as_ref().map(|sid| self.keys.session(client, sid.as_str()));
        let user = || {
            let key = self.keys.rate(client, &claims.sub, limit.name);
            Counted { key, limit, alone: self.alone.user }
        };
        Question { session, anew: false, limits: (guard == Guard::User).then(user).into_iter().collect() }
    }

    /// About a request without a token from `origin`.
    pub(crate) fn of_address(&self, origin: &Origin) -> Question {
        let counted = self.at_address(origin, self.rates.address, self.alone.address);
        Question { session: None, anew: false, limits: vec![counted] }
    }

    /// About a sign-in from `origin`, by `name` where that could be read. Names are told apart by case, as they are
    /// where they are looked up.
    pub(crate) fn of_sign_in(&self, name: Option<&str>, origin: &Origin) -> Question {
        let by_name = name.map(|name| Counted {
            key: self.keys.door_name(&hash(&[name])),
            limit: self.rates.login_name,
            alone: self.alone.login_name,
        });
        let at_address = self.at_address(origin, self.rates.login_address, self.alone.login_address);
        Question { session: None, anew: false, limits: by_name.into_iter().chain([at_address]).collect() }
    }

    fn at_address(&self, origin: &Origin, limit: Limit, alone: Limit) -> Counted {
        // Two limits count by address, each for itself.
        let key = self.keys.door_address(&hash(&[limit.name, &origin.caller()]));
        Counted { key, limit, alone }
    }
}

/// The first half of the SHA-256 of `parts`: of one length whatever they are, and no name or address at a glance. Who sees
/// the keys and tries every address finds it.
fn hash(parts: &[&str]) -> String {
    let digest = Sha256::digest(parts.join("\n"));
    digest.iter().take(HASH_BYTES).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use protocol::claims::{AUDIENCE, ISSUER};
    use protocol::role::Role;

    use super::*;

    fn questions() -> Questions {
        Questions::new(Keys::new("t").unwrap(), Rates::default())
    }

    fn claims(sid: Option<&str>) -> Claims {
        Claims {
            sub: "u:1".into(),
            client_id: "7".parse().unwrap(),
            branch_id: None,
            role: Role::Cashier,
            device: None,
            sid: sid.map(|sid| sid.parse().unwrap()),
            iss: ISSUER.into(),
            aud: AUDIENCE.into(),
            exp: 0,
            iat: 0,
            jti: "j1".into(),
        }
    }

    fn told(question: &Question) -> Vec<(&str, &str, u32, u32)> {
        let counted = |it: &Counted| (it.limit.name, it.limit.quota(), it.alone.quota());
        let limits = question.limits.iter().map(|it| (it.key.as_str(), counted(it)));
        limits.map(|(key, (name, quota, alone))| (key, name, quota, alone)).collect()
    }

    #[test]
    fn a_caller_is_asked_about_by_session_and_user() {
        let keys = Keys::new("t").unwrap();
        let client = "7".parse().unwrap();
        let question = questions().of_caller(&claims(Some("s1")), Guard::User);
        assert_eq!(question.session, Some(keys.session(&client, "s1")));
        assert_eq!(told(&question), [(keys.rate(&client, "u:1", "user").as_str(), "user", 100, 100)]);
        let question = questions().of_caller(&claims(Some("s1")), Guard::Session);
        assert_eq!((question.session.is_some(), question.limits.len()), (true, 0));
        let question = questions().of_caller(&claims(None), Guard::User);
        assert_eq!((question.session, question.limits.len()), (None, 1));
    }

    #[test]
    fn no_key_holds_a_name_or_an_address() {
        let origin = Origin::new(Some("203.0.113.7"), None);
        let question = questions().of_sign_in(Some("till-1"), &origin);
        assert_eq!(
            told(&question),
            [
                ("t:@door:rate:name:9a3f2388d98dcb32d88bde2189048aeb", "login-name", 10, 1),
                ("t:@door:rate:address:17bdb8b9411d41f30f6856727030a777", "login-address", 100, 10),
            ]
        );
        let at_address = questions().of_address(&origin);
        let key = "t:@door:rate:address:0040b852582c3119758d1e870db3e1e4";
        assert_eq!(told(&at_address), [(key, "address", 100, 100)]);
    }

    #[test]
    fn names_are_told_apart_by_case_and_an_unreadable_one_is_none() {
        let origin = Origin::default();
        let question = |name| questions().of_sign_in(name, &origin).limits;
        assert_ne!(question(Some("till-1"))[0], question(Some("Till-1"))[0]);
        assert_eq!(question(None).len(), 1);
        assert_eq!(question(None)[0], question(Some("a"))[1]);
    }
}
