//! Who may ask: two tokens, compared in constant time.
//!
//! As with the service, `_token` comes before the header, and the header's `Bearer` may be left out.

use bytes::Bytes;
use hyper::HeaderMap;
use hyper::header::AUTHORIZATION;
use subtle::{Choice, ConstantTimeEq};

use crate::request::{TOKEN, query_pairs};

mod read_only;

pub(crate) use read_only::ReadOnlyCommands;

/// What who has no token is told.
pub(crate) const UNAUTHORIZED: &str = "WRONGPASS invalid or missing auth token. \
     See https://docs.upstash.com/redis/troubleshooting/http_unauthorized for details.";

/// What a token permits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    Full,
    ReadOnly,
}

/// The tokens. Has no `Debug`, since they are secret.
pub(crate) struct Tokens {
    pub(crate) full: String,
    pub(crate) read_only: Option<String>,
}

impl Tokens {
    /// What this request may do, if it has a token at all.
    pub(crate) fn admit(&self, headers: &HeaderMap, query: Option<&str>) -> Option<Access> {
        let presented = presented(headers, query)?;
        let is_full = same(&self.full, &presented);
        let is_read_only = self.read_only.as_ref().map_or(Choice::from(0), |token| same(token, &presented));
        match (bool::from(is_full), bool::from(is_read_only)) {
            (true, _) => Some(Access::Full),
            (false, true) => Some(Access::ReadOnly),
            (false, false) => None,
        }
    }
}

fn same(token: &str, presented: &Bytes) -> Choice {
    token.as_bytes().ct_eq(presented)
}

fn presented(headers: &HeaderMap, query: Option<&str>) -> Option<Bytes> {
    let mut pairs = query_pairs(query.unwrap_or_default());
    let in_query = pairs.find(|(name, _)| name == TOKEN.as_bytes()).map(|(_, token)| token);
    in_query.filter(|token| !token.is_empty()).or_else(|| {
        let header = headers.get(AUTHORIZATION)?.as_bytes().trim_ascii();
        let token = match header.split_at_checked("Bearer ".len()) {
            Some((scheme, token)) if scheme.eq_ignore_ascii_case(b"Bearer ") => token.trim_ascii(),
            _ => header,
        };
        (!token.is_empty()).then(|| Bytes::copy_from_slice(token))
    })
}

#[cfg(test)]
mod tests {
    use hyper::header::HeaderValue;

    use super::*;

    fn admitted(header: Option<&'static str>, query: Option<&str>) -> Option<Access> {
        let mut headers = HeaderMap::new();
        headers.extend(header.map(|header| (AUTHORIZATION, HeaderValue::from_static(header))));
        let tokens = Tokens { full: "full+1".into(), read_only: Some("reads".into()) };
        tokens.admit(&headers, query)
    }

    #[test]
    fn a_token_is_taken_from_the_query_or_the_header() {
        assert_eq!(admitted(Some("Bearer full+1"), None), Some(Access::Full));
        assert_eq!(admitted(Some("bearer  reads"), None), Some(Access::ReadOnly));
        assert_eq!(admitted(Some("full+1"), None), Some(Access::Full));
        assert_eq!(admitted(None, Some("EX=1&_token=full%2B1")), Some(Access::Full));
        assert_eq!(admitted(Some("Bearer full+1"), Some("_token=reads")), Some(Access::ReadOnly));
    }

    #[test]
    fn without_a_token_nothing_is_admitted() {
        for header in [None, Some(""), Some("Bearer "), Some("Bearer full"), Some("Bearer full+12")] {
            assert_eq!(admitted(header, Some("_token=")), None, "{header:?}");
        }
        assert_eq!(admitted(Some("Bearer full+1"), Some("_token=wrong")), None);
    }

    #[test]
    fn an_absent_read_only_token_admits_nobody() {
        let tokens = Tokens { full: "full".into(), read_only: None };
        assert_eq!(tokens.admit(&HeaderMap::new(), Some("_token=none")), None);
    }
}
