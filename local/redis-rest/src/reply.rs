//! Writes replies as the service does.
//!
//! With base64 every string is encoded but the status OK at the top, which `@upstash/redis` takes as it is;
//! inside an array it decodes every string. An error inside an array (a script can return one) is a string.
//! Without base64 each byte of invalid UTF-8 becomes one U+FFFD, as in Go.

use base64::display::Base64Display;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::ser::{Serialize, SerializeMap, Serializer};

use crate::format::Format;
use crate::resp::{Reply, encode_reply};

/// `{"result":…}` or `{"error":…}`.
struct Envelope<'a>(&'a Reply, Format);

struct Value<'a>(&'a Reply, Format);

pub(crate) fn single(reply: &Reply, format: Format) -> Bytes {
    match format {
        Format::Resp2 => raw(std::slice::from_ref(reply)),
        _ => json(&Envelope(reply, format)),
    }
}

/// The response body for several replies: a JSON array, or raw replies one after the other.
pub(crate) fn several(replies: &[Reply], format: Format) -> Bytes {
    match format {
        Format::Resp2 => raw(replies),
        _ => json(&replies.iter().map(|reply| Envelope(reply, format)).collect::<Vec<_>>()),
    }
}

/// Text with U+FFFD for each invalid byte.
pub(crate) fn lossy_text(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(chunk.invalid().iter().map(|_| char::REPLACEMENT_CHARACTER));
    }
    text
}

fn raw(replies: &[Reply]) -> Bytes {
    let mut out = Vec::new();
    replies.iter().for_each(|reply| encode_reply(reply, &mut out));
    out.into()
}

fn json(value: &impl Serialize) -> Bytes {
    // Strings and numbers in memory: this cannot fail.
    serde_json::to_vec(value).unwrap_or_default().into()
}

impl Serialize for Envelope<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Envelope(reply, format) = *self;
        let mut map = serializer.serialize_map(Some(1))?;
        match reply {
            Reply::Error(text) => map.serialize_entry("error", &lossy_text(text))?,
            Reply::Simple(text) if text == "OK" => map.serialize_entry("result", "OK")?,
            reply => map.serialize_entry("result", &Value(reply, format))?,
        }
        map.end()
    }
}

impl Serialize for Value<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Value(reply, format) = *self;
        match reply {
            Reply::Nil | Reply::NilArray => serializer.serialize_unit(),
            Reply::Integer(number) => serializer.serialize_i64(*number),
            Reply::Array(items) => serializer.collect_seq(items.iter().map(|item| Value(item, format))),
            Reply::Simple(text) | Reply::Bulk(text) | Reply::Error(text) if format == Format::Base64 => {
                serializer.collect_str(&Base64Display::new(text, &STANDARD))
            }
            Reply::Simple(text) | Reply::Bulk(text) | Reply::Error(text) => {
                serializer.serialize_str(&lossy_text(text))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(reply: &Reply, format: Format) -> String {
        String::from_utf8(single(reply, format).to_vec()).unwrap()
    }

    fn bulk(text: &'static [u8]) -> Reply {
        Reply::Bulk(Bytes::from_static(text))
    }

    #[test]
    fn every_sort_of_reply_has_its_json() {
        let json = |reply: &Reply| written(reply, Format::Json);
        assert_eq!(json(&Reply::ok()), r#"{"result":"OK"}"#);
        assert_eq!(json(&Reply::Integer(9_007_199_254_740_993)), r#"{"result":9007199254740993}"#);
        assert_eq!(json(&bulk(b"a\"\n\x01")), r#"{"result":"a\"\n\u0001"}"#);
        assert_eq!(json(&Reply::Nil), r#"{"result":null}"#);
        assert_eq!(json(&Reply::NilArray), r#"{"result":null}"#);
        assert_eq!(json(&Reply::error("ERR no")), r#"{"error":"ERR no"}"#);
        let nested =
            Reply::Array(vec![Reply::Integer(1), Reply::Array(vec![]), Reply::error("E"), Reply::Nil]);
        assert_eq!(json(&nested), r#"{"result":[1,[],"E",null]}"#);
    }

    #[test]
    fn each_invalid_byte_is_replaced() {
        assert_eq!(
            written(&bulk(b"a\xe2\x82\xffb"), Format::Json),
            "{\"result\":\"a\u{fffd}\u{fffd}\u{fffd}b\"}"
        );
    }

    #[test]
    fn base64_encodes_all_but_the_status_ok_at_the_top() {
        let json = |reply: &Reply| written(reply, Format::Base64);
        assert_eq!(json(&Reply::ok()), r#"{"result":"OK"}"#);
        assert_eq!(json(&bulk(b"OK")), r#"{"result":"T0s="}"#);
        assert_eq!(json(&Reply::Array(vec![Reply::ok(), bulk(b"\xff")])), r#"{"result":["T0s=","/w=="]}"#);
        assert_eq!(json(&Reply::Simple(Bytes::from_static(b"PONG"))), r#"{"result":"UE9ORw=="}"#);
        assert_eq!(json(&Reply::error("ERR no")), r#"{"error":"ERR no"}"#);
    }

    #[test]
    fn several_replies_are_an_array_or_follow_one_another() {
        let replies = [Reply::Integer(1), Reply::error("ERR no")];
        assert_eq!(several(&replies, Format::Json), r#"[{"result":1},{"error":"ERR no"}]"#);
        assert_eq!(several(&replies, Format::Resp2), ":1\r\n-ERR no\r\n");
    }
}
