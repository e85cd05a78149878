//! `ETag` and `If-None-Match` (RFC 9110, section 13.1.2): a caller that has the content gets 304 without it.

use crate::response::{Body, Response};
use sha2::{Digest, Sha256};

/// The tag of `content`, quoted.
pub(crate) fn etag(content: &[u8]) -> String {
    let mut tag = hex::encode(Sha256::digest(content));
    tag.truncate(16);
    format!("\"{tag}\"")
}

/// Tags a response of 200, unless its handler has. It becomes 304 if `if_none_match` has its tag.
pub(crate) fn tagged(mut response: Response, if_none_match: Option<&str>) -> Response {
    if response.status != 200 {
        return response;
    }
    if let (None, Body::Bytes(content)) = (response.header("etag"), &response.body) {
        let etag = etag(content);
        response.set("etag", etag);
    }
    let is_known = |etag| if_none_match.is_some_and(|list| is_among(etag, list));
    if response.header("etag").is_some_and(is_known) {
        response.remove("content-type");
        (response.status, response.body) = (304, Body::Empty);
    }
    response
}

/// Whether `etag` is in the list of an `If-None-Match`, compared weakly.
fn is_among(etag: &str, list: &str) -> bool {
    list.split(',').map(str::trim).any(|known| known == "*" || opaque(known) == opaque(etag))
}

/// The tag without the mark of a weak one.
fn opaque(etag: &str) -> &str {
    etag.strip_prefix("W/").unwrap_or(etag)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_caller_that_has_the_content_gets_304() {
        let page = || Response::json(200, b"content".to_vec());
        let (tag, own) = (etag(b"content"), "\"own\"");
        let fresh = tagged(page(), Some(own));
        assert_eq!((fresh.status, fresh.header("etag")), (200, Some(&*tag)));
        let known = tagged(page(), Some(&tag));
        assert_eq!(
            (known.status, known.header("etag"), known.header("content-type")),
            (304, Some(&*tag), None)
        );
        assert!(matches!(known.body, Body::Empty));
        assert_eq!(tagged(page().with("etag", own), Some(own)).status, 304);
        assert_eq!(tagged(Response::json(404, b"content".to_vec()), Some(&tag)).status, 404);
    }

    #[test]
    fn content_is_matched_by_its_etag() {
        let tag = etag(b"content");
        assert_eq!(tag.len(), 18);
        assert_ne!(tag, etag(b"Content"));
        for list in [tag.clone(), format!("W/{tag}"), format!("\"a\", {tag}"), "*".into()] {
            assert!(is_among(&tag, &list), "{list}");
            assert!(is_among(&format!("W/{tag}"), &list), "{list}");
        }
        for list in ["", "\"a\"", "a, b", tag.trim_matches('"')] {
            assert!(!is_among(&tag, list), "{list}");
        }
    }
}
