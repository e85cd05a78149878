//! Who is asking: the access token of a request, and what it says.

use std::cell::RefCell;

use auth::token::{Verifier, bearer};
use protocol::claims::Claims;
use protocol::error::{ApiError, ErrorCode};
use protocol::timestamp::Timestamp;

use crate::query;

mod verified;

use verified::Verified;

/// Verifies access tokens, and remembers those that were.
pub(crate) struct Authenticator {
    verifier: Verifier,
    verified: RefCell<Verified>,
}

impl Authenticator {
    /// Believes the tokens that `verifier` believes.
    pub(crate) fn new(verifier: Verifier) -> Authenticator {
        Authenticator { verifier, verified: RefCell::default() }
    }

    /// What `token` says, if it is ours and valid at `now`.
    pub(crate) fn claims(&self, token: &str, now: Timestamp) -> Result<Claims, ApiError> {
        if let Some(claims) = self.verified.borrow().get(token, now) {
            return Ok(claims);
        }
        let claims = self.verifier.verify(token, now)?;
        self.verified.borrow_mut().insert(token, claims.clone(), now);
        Ok(claims)
    }
}

/// The token of a WebSocket's request: `token` in the query, since browsers cannot set a header there, or
/// else the header.
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
    fn a_socket_may_bring_its_token_in_the_query_or_in_the_header() {
        assert_eq!(socket_token("device_id=d&token=a.b.c", None).unwrap(), "a.b.c");
        assert_eq!(socket_token("token=a.b.c", Some("Bearer d.e.f")).unwrap(), "a.b.c");
        assert_eq!(socket_token("token=", Some("Bearer d.e.f")).unwrap(), "d.e.f");
        for (query, header) in [("", None), ("token=", None), ("", Some("Basic x"))] {
            assert_eq!(socket_token(query, header).unwrap_err().code, ErrorCode::TokenMissing);
        }
    }
}
