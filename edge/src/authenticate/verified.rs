//! Tokens that were verified, remembered for the life of the isolate.
//!
//! Verifying one costs twice what the rest of a request does, and a till sends the same one for 15 minutes.

use std::collections::HashMap;

use protocol::claims::Claims;
use protocol::timestamp::Timestamp;

/// Tokens remembered at once; about 1 KB each, of an isolate's 128 MB.
const VERIFIED_TOKENS_MAX: usize = 2000;

/// What verified tokens said. Only a token that passed gets in, so nobody can fill it with rubbish.
#[derive(Default)]
pub(super) struct Verified(HashMap<String, Claims>);

impl Verified {
    /// What `token` says, if it was verified before and is still valid at `now`.
    ///
    /// The whole token is the key: the same claims under another signature are another token.
    pub(super) fn get(&self, token: &str, now: Timestamp) -> Option<Claims> {
        self.0.get(token).filter(|claims| claims.exp > now.as_secs()).cloned()
    }

    /// Remembers `token`. Where there is no room, the expired ones go first, then all of them: verifying
    /// again is only slower.
    pub(super) fn insert(&mut self, token: &str, claims: Claims, now: Timestamp) {
        if self.0.len() >= VERIFIED_TOKENS_MAX {
            self.0.retain(|_, claims| claims.exp > now.as_secs());
        }
        if self.0.len() >= VERIFIED_TOKENS_MAX {
            self.0.clear();
        }
        self.0.insert(token.to_owned(), claims);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::claims::{AUDIENCE, ISSUER};
    use protocol::role::Role;

    const NOW: Timestamp = Timestamp(1_765_103_400_000_000);

    fn claims(exp: u64) -> Claims {
        Claims {
            sub: "u1".into(),
            client_id: "1".parse().unwrap(),
            branch_id: Some("2".parse().unwrap()),
            role: Role::Cashier,
            device: None,
            sid: None,
            iss: ISSUER.into(),
            aud: AUDIENCE.into(),
            exp,
            iat: NOW.as_secs(),
            jti: "j1".into(),
        }
    }

    #[test]
    fn a_token_is_remembered_until_it_expires() {
        let mut verified = Verified::default();
        verified.insert("a.b.c", claims(NOW.as_secs() + 900), NOW);
        assert_eq!(verified.get("a.b.c", NOW.plus_secs(899)).unwrap().jti, "j1");
        assert_eq!(verified.get("a.b.c", NOW.plus_secs(900)), None);
        assert_eq!(verified.get("a.b.C", NOW), None);
        assert_eq!(verified.get("a.b.", NOW), None);
    }

    #[test]
    fn memory_is_bounded_and_the_expired_go_first() {
        let mut verified = Verified::default();
        for i in 0..VERIFIED_TOKENS_MAX {
            let exp = NOW.as_secs() + if i == 0 { 900 } else { 1 };
            verified.insert(&i.to_string(), claims(exp), NOW);
        }
        let later = NOW.plus_secs(2);
        verified.insert("next", claims(later.as_secs() + 900), later);
        assert_eq!(verified.0.len(), 2);
        for i in 1..2 * VERIFIED_TOKENS_MAX {
            verified.insert(&i.to_string(), claims(later.as_secs() + 900), later);
            assert!(verified.0.len() <= VERIFIED_TOKENS_MAX);
        }
    }
}
