//! Checks tokens, in constant time.
//!
//! As with the service, `_token` comes before the header, and the header's `Bearer` is optional.

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use bytes::Bytes;
use subtle::{Choice, ConstantTimeEq};

use crate::request::{TOKEN, query_pairs};

mod read_only;

pub(crate) use read_only::{ReadOnlyCommands, user as read_only_user};

/// What a token permits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    Full,
    ReadOnly,
}

/// What a request may do, if its token is one of the two.
pub(crate) fn verify(
    full_token: &str,
    read_only_token: Option<&str>,
    headers: &HeaderMap,
    query: Option<&str>,
) -> Option<Access> {
    let presented = presented(headers, query)?;
    let matches = |token: &str| token.as_bytes().ct_eq(&presented);
    let is_full = matches(full_token);
    let is_read_only = read_only_token.map_or(Choice::from(0), matches);
    match (bool::from(is_full), bool::from(is_read_only)) {
        (true, _) => Some(Access::Full),
        (false, true) => Some(Access::ReadOnly),
        (false, false) => None,
    }
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
    use axum::http::HeaderValue;

    use super::*;

    fn access(header: Option<&'static str>, query: Option<&str>) -> Option<Access> {
        let mut headers = HeaderMap::new();
        headers.extend(header.map(|header| (AUTHORIZATION, HeaderValue::from_static(header))));
        verify("full+1", Some("reads"), &headers, query)
    }

    #[test]
    fn a_token_is_taken_from_the_query_or_the_header() {
        assert_eq!(access(Some("Bearer full+1"), None), Some(Access::Full));
        assert_eq!(access(Some("bearer  reads"), None), Some(Access::ReadOnly));
        assert_eq!(access(Some("full+1"), None), Some(Access::Full));
        assert_eq!(access(None, Some("EX=1&_token=full%2B1")), Some(Access::Full));
        assert_eq!(access(Some("Bearer full+1"), Some("_token=reads")), Some(Access::ReadOnly));
    }

    #[test]
    fn a_missing_or_wrong_token_permits_nothing() {
        for header in [None, Some(""), Some("Bearer "), Some("Bearer full"), Some("Bearer full+12")] {
            assert_eq!(access(header, Some("_token=")), None, "{header:?}");
        }
        assert_eq!(access(Some("Bearer full+1"), Some("_token=wrong")), None);
    }

    #[test]
    fn without_a_read_only_token_no_other_token_is_valid() {
        assert_eq!(verify("full", None, &HeaderMap::new(), Some("_token=none")), None);
    }
}
