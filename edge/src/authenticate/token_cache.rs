//! A cache of verified tokens, for the life of the isolate.
//!
//! Verification costs twice as much as the rest of a request, and a till sends the same token for 15 minutes.

use std::collections::HashMap;

use protocol::claims::Claims;
use protocol::timestamp::Timestamp;

/// Maximum number of cached tokens; about 1 KB each, of an isolate's 128 MB.
const CACHED_TOKENS_MAX: usize = 2000;

/// The claims of each verified token. Only verified tokens are stored, so callers cannot fill the cache with
/// garbage.
#[derive(Default)]
pub(super) struct TokenCache(HashMap<String, Claims>);

impl TokenCache {
    /// The claims of `token`, if it is cached and still valid at `now`. The whole token is the key: the same
    /// claims under another signature are another token.
    pub(super) fn get(&self, token: &str, now: Timestamp) -> Option<Claims> {
        self.0.get(token).filter(|claims| claims.exp > now.as_secs()).cloned()
    }

    /// Stores `token`. A full cache drops expired tokens, and all of them if that is not enough: each can be
    /// verified again.
    pub(super) fn insert(&mut self, token: &str, claims: Claims, now: Timestamp) {
        if self.0.len() >= CACHED_TOKENS_MAX {
            self.0.retain(|_, claims| claims.exp > now.as_secs());
        }
        if self.0.len() >= CACHED_TOKENS_MAX {
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
    fn a_token_is_cached_until_it_expires() {
        let mut cache = TokenCache::default();
        cache.insert("a.b.c", claims(NOW.as_secs() + 900), NOW);
        assert_eq!(cache.get("a.b.c", NOW.plus_secs(899)).unwrap().jti, "j1");
        assert_eq!(cache.get("a.b.c", NOW.plus_secs(900)), None);
        assert_eq!(cache.get("a.b.C", NOW), None);
        assert_eq!(cache.get("a.b.", NOW), None);
    }

    #[test]
    fn the_cache_is_bounded_and_drops_expired_tokens_first() {
        let mut cache = TokenCache::default();
        for i in 0..CACHED_TOKENS_MAX {
            let exp = NOW.as_secs() + if i == 0 { 900 } else { 1 };
            cache.insert(&i.to_string(), claims(exp), NOW);
        }
        let later = NOW.plus_secs(2);
        cache.insert("next", claims(later.as_secs() + 900), later);
        assert_eq!(cache.0.len(), 2);
        for i in 1..2 * CACHED_TOKENS_MAX {
            cache.insert(&i.to_string(), claims(later.as_secs() + 900), later);
            assert!(cache.0.len() <= CACHED_TOKENS_MAX);
        }
    }
}
