//! `GET /api/openapi.json`: what this edge answers, for programs and for people.

use std::sync::LazyLock;

use sha2::{Digest, Sha256};
use worker::{Response, ResponseBuilder};

use crate::error::RequestError;
use crate::visit::Visit;

/// Made from the types of the wire by `cargo xtask openapi`.
const DOCUMENT: &str = include_str!("../openapi.json");

/// How long a copy is good without asking: a deployment that adds something is seen within the hour.
const CACHE: &str = "public, max-age=3600";

/// The document's name in caches.
static ETAG: LazyLock<String> = LazyLock::new(|| {
    let digest = Sha256::digest(DOCUMENT.as_bytes());
    let hex: String = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    format!("\"{hex}\"")
});

/// Answers with the document, or with 304 to who has it.
pub(crate) fn handle(visit: &Visit) -> Result<Response, RequestError> {
    let known = visit.header("if-none-match")?;
    let answer = ResponseBuilder::new().with_header("etag", &ETAG)?.with_header("cache-control", CACHE)?;
    if known.is_some_and(|known| is_among(&ETAG, &known)) {
        return Ok(answer.with_status(304).empty());
    }
    let answer = answer.with_header("content-type", "application/json")?;
    Ok(answer.fixed(DOCUMENT.as_bytes().to_vec()))
}

/// Whether `etag` is in the list of an `If-None-Match` (RFC 9110, section 13.1.2: weakly compared).
fn is_among(etag: &str, list: &str) -> bool {
    list.split(',')
        .map(str::trim)
        .any(|known| known == "*" || known.strip_prefix("W/").unwrap_or(known) == etag)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_is_known_by_its_etag() {
        assert_eq!(ETAG.len(), 18);
        for list in [ETAG.clone(), format!("W/{}", *ETAG), format!("\"a\", {}", *ETAG), "*".into()] {
            assert!(is_among(&ETAG, &list), "{list}");
        }
        for list in ["", "\"a\"", "a, b", ETAG.trim_matches('"')] {
            assert!(!is_among(&ETAG, list), "{list}");
        }
    }
}
