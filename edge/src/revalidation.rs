//! `ETag` and `If-None-Match` (RFC 9110, section 13.1.2): a caller that has the content gets 304 without it.

use sha2::{Digest, Sha256};
use worker::{Response, ResponseBody};

/// The tag of `content`, quoted.
pub(crate) fn etag(content: &[u8]) -> String {
    let mut tag = hex::encode(Sha256::digest(content));
    tag.truncate(16);
    format!("\"{tag}\"")
}

/// Tags a response of 200, unless its handler has. It becomes 304 if `if_none_match` has its tag.
pub(crate) fn tagged(response: Response, if_none_match: Option<&str>) -> worker::Result<Response> {
    let ResponseBody::Body(content) = response.body() else { return Ok(response) };
    if response.status_code() != 200 {
        return Ok(response);
    }
    let etag = response.headers().get("etag")?.unwrap_or_else(|| etag(content));
    let mut response = response;
    if if_none_match.is_some_and(|list| is_among(&etag, list)) {
        let headers = response.headers().clone();
        headers.delete("content-type")?;
        response = worker::ResponseBuilder::new().with_status(304).with_headers(headers).empty();
    }
    response.headers_mut().set("etag", &etag)?;
    Ok(response)
}

/// Whether `etag` is in the list of an `If-None-Match`, compared weakly.
fn is_among(etag: &str, list: &str) -> bool {
    list.split(',')
        .map(str::trim)
        .any(|known| known == "*" || known.strip_prefix("W/").unwrap_or(known) == etag)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_is_matched_by_its_etag() {
        let tag = etag(b"content");
        assert_eq!(tag.len(), 18);
        assert_ne!(tag, etag(b"Content"));
        for list in [tag.clone(), format!("W/{tag}"), format!("\"a\", {tag}"), "*".into()] {
            assert!(is_among(&tag, &list), "{list}");
        }
        for list in ["", "\"a\"", "a, b", tag.trim_matches('"')] {
            assert!(!is_among(&tag, list), "{list}");
        }
    }
}
