//! Authentication of a request by its access token.

use std::cell::RefCell;

use auth::token::{Verifier, bearer};
use protocol::claims::Claims;
use protocol::error::{ApiError, ErrorCode};
use protocol::timestamp::Timestamp;

use crate::expiring_cache::ExpiringCache;
use crate::query;

/// Maximum number of cached tokens; about 1 KB each, of an isolate's 128 MB.
const CACHED_TOKENS_MAX: usize = 2000;

/// Verifies access tokens and caches their claims: verification costs twice as much as the rest of a request,
/// and a till sends the same token for 15 minutes.
pub(crate) struct Authenticator {
    verifier: Verifier,
    /// The claims by the whole token: the same claims under another signature are another token. Only
    /// verified tokens are stored, so callers cannot fill the cache with garbage.
    cache: RefCell<ExpiringCache<String, Claims>>,
}

impl Authenticator {
    pub(crate) fn new(verifier: Verifier) -> Authenticator {
        Authenticator { verifier, cache: RefCell::new(ExpiringCache::new(CACHED_TOKENS_MAX)) }
    }

    /// The claims of `token`, if it is ours and valid at `now`.
    pub(crate) fn claims(&self, token: &str, now: Timestamp) -> Result<Claims, ApiError> {
        if let Some(claims) = self.cache.borrow().get(token, now) {
            return Ok(claims.clone());
        }
        let claims = self.verifier.verify(token, now)?;
        self.store(token, claims.clone(), now);
        Ok(claims)
    }

    fn store(&self, token: &str, claims: Claims, now: Timestamp) {
        let expires_at = claims.expires_at();
        self.cache.borrow_mut().insert(token.to_owned(), claims, expires_at, now);
    }
}

/// The token of a WebSocket request: `token` in the query, since browsers cannot set headers there, else the
/// header.
pub(crate) fn socket_token(url_query: &str, authorization: Option<&str>) -> Result<String, ApiError> {
    let from_query = query::value(url_query, "token").filter(|token| !token.is_empty());
    from_query.map_or_else(
        || {
            let missing = "Send the access token as `token` in the query or as `Authorization: Bearer …`.";
            bearer(authorization)
                .map(str::to_owned)
                .map_err(|_| ApiError::new(ErrorCode::TokenMissing, missing))
        },
        Ok,
    )
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use protocol::claims::{AUDIENCE, ISSUER};
    use protocol::role::Role;

    // RFC 8037, appendix A.2.
    pub(crate) const JWKS: &str = r#"{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"test","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;

    /// The claims of a cashier whose token expires at `exp`.
    pub(crate) fn claims(sid: Option<&str>, exp: u64) -> Claims {
        Claims {
            sub: "u:1".into(),
            client_id: "7".parse().unwrap(),
            branch_id: None,
            role: Role::Cashier,
            device: None,
            sid: sid.map(|sid| sid.parse().unwrap()),
            iss: ISSUER.into(),
            aud: AUDIENCE.into(),
            exp,
            iat: 0,
            jti: "j1".into(),
        }
    }

    #[test]
    fn a_verified_token_is_cached_until_it_expires() {
        let authenticator = Authenticator::new(Verifier::from_jwks(JWKS).unwrap());
        let now = Timestamp(1_765_103_400_000_000);
        authenticator.store("a.b.c", claims(None, now.as_secs() + 900), now);
        assert_eq!(authenticator.claims("a.b.c", now.plus_secs(899)).unwrap().jti, "j1");
        for (token, at) in [("a.b.c", now.plus_secs(900)), ("a.b.C", now), ("a.b.", now)] {
            assert!(authenticator.claims(token, at).is_err(), "{token}");
        }
    }

    #[test]
    fn a_socket_has_its_token_in_the_query_or_in_the_header() {
        assert_eq!(socket_token("device_id=d&token=a.b.c", None).unwrap(), "a.b.c");
        assert_eq!(socket_token("token=a.b.c", Some("Bearer d.e.f")).unwrap(), "a.b.c");
        assert_eq!(socket_token("token=", Some("Bearer d.e.f")).unwrap(), "d.e.f");
        for (query, header) in [("", None), ("token=", None), ("", Some("Basic x"))] {
            assert_eq!(socket_token(query, header).unwrap_err().code, ErrorCode::TokenMissing);
        }
    }
}
