//! Authentication of a request by its access token.

use std::cell::RefCell;

use auth::token::{Verifier, bearer};
use protocol::claims::Claims;
use protocol::error::{ApiError, ErrorCode};
use protocol::timestamp::Timestamp;

use crate::query;

mod token_cache;

use token_cache::TokenCache;

/// Verifies access tokens and caches their claims.
pub(crate) struct Authenticator {
    verifier: Verifier,
    cache: RefCell<TokenCache>,
}

impl Authenticator {
    /// An authenticator that accepts the tokens of `verifier`.
    pub(crate) fn new(verifier: Verifier) -> Authenticator {
        Authenticator { verifier, cache: RefCell::default() }
    }

    /// The claims of `token`, if it is ours and valid at `now`.
    pub(crate) fn claims(&self, token: &str, now: Timestamp) -> Result<Claims, ApiError> {
        if let Some(claims) = self.cache.borrow().get(token, now) {
            return Ok(claims);
        }
        let claims = self.verifier.verify(token, now)?;
        self.cache.borrow_mut().insert(token, claims.clone(), now);
        Ok(claims)
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
mod tests {
    use super::*;

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
