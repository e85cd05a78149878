//! The segments of a path: words of ours, ids, and the ids of records, which may be any text.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;
use protocol::record::is_record_id;

/// Whether `path` is `known`, segment by segment.
pub(super) fn matches(known: &str, path: &str) -> bool {
    let fits = |(known, sent): (&str, &str)| match known {
        "{id}" | "{table}" => is_id(sent),
        "{record_id}" => record_id(sent).is_some(),
        word => word == sent,
    };
    known.split('/').count() == path.split('/').count() && known.split('/').zip(path.split('/')).all(fits)
}

/// Table and record of `/api/data/{table}/{record_id}`, decoded.
pub(crate) fn record_of(path: &str) -> Option<(&str, Cow<'_, str>)> {
    let (table, id) = path.strip_prefix("/api/data/")?.split_once('/')?;
    Some((table, record_id(id)?))
}

/// Whether `segment` may be an id of ours: RFC 3986's unreserved characters, which are written in one way only, so
/// that the function's URL is signed as it is read.
fn is_id(segment: &str) -> bool {
    let unreserved = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~');
    // A segment of dots alone means another path.
    segment.bytes().all(unreserved) && segment.bytes().any(|byte| byte != b'.')
}

/// The id of a record, which may be any text and is therefore percent-encoded. It never becomes part of the path that
/// a function is called by: how that would have to be signed depends on who decodes it on the way.
fn record_id(segment: &str) -> Option<Cow<'_, str>> {
    let decoded = percent_decode_str(segment).decode_utf8().ok()?;
    is_record_id(&decoded).then_some(decoded)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_one_segment_with_one_way_to_be_written() {
        assert!(matches("/api/carts/{id}", "/api/carts/1765103400000145-0.7_~"));
        for id in ["", ".", "..", "a/b", "a%20b", "a b", "a:b", "ä", "a;b", "{id}"] {
            assert!(!matches("/api/carts/{id}", &format!("/api/carts/{id}")), "{id}");
            assert!(!matches("/{table}/{record_id}", &format!("/{id}/1")), "{id}");
        }
    }

    #[test]
    fn a_record_is_named_by_any_text() {
        let cases = [
            ("4711", "4711"),
            ("Kasse%201%2f2%20%E2%80%93%20B%C3%BCro", "Kasse 1/2 – Büro"),
            ("a:b+c", "a:b+c"),
            ("100%25", "100%"),
            ("100%", "100%"),
        ];
        for (sent, id) in cases {
            let path = format!("/api/data/products/{sent}");
            assert!(matches("/api/data/{table}/{record_id}", &path), "{path}");
            assert_eq!(record_of(&path), Some(("products", Cow::from(id))));
        }
    }

    #[test]
    fn what_no_record_can_be_named_is_no_path() {
        let long = "x".repeat(256);
        for sent in ["", "%00", "a%0Ab", "%FF", "%C3", long.as_str(), "a/b"] {
            let path = format!("/api/data/products/{sent}");
            assert!(!matches("/api/data/{table}/{record_id}", &path), "{path}");
        }
        assert_eq!(record_of("/api/carts/1"), None);
    }
}
