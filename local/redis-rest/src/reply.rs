//! A reply as JSON, the way the service writes it.
//!
//! With base64 every string is encoded but the status OK at the top, which `@upstash/redis` takes as it is;
//! inside an array it decodes every string. An error inside an array (a script can return one) is a string.
//! Without base64 each byte that is no UTF-8 becomes one U+FFFD, as in Go.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;

use crate::format::Format;
use crate::resp::{Reply, encode_reply};

/// One answer: `{"result":…}` or `{"error":…}`, or the reply itself for clients that want it raw.
pub(crate) fn write(reply: &Reply, format: Format, out: &mut Vec<u8>) {
    match (format, reply) {
        (Format::Resp2, reply) => encode_reply(reply, out),
        (_, Reply::Error(text)) => {
            out.extend_from_slice(b"{\"error\":");
            write_text(text, out);
            out.push(b'}');
        }
        (format, reply) => {
            out.extend_from_slice(b"{\"result\":");
            match reply {
                Reply::Simple(text) if text == "OK" => write_text(text, out),
                reply => write_value(reply, format, out),
            }
            out.push(b'}');
        }
    }
}

/// Answers in their order: a JSON array, or raw replies one after the other.
pub(crate) fn write_all(replies: &[Reply], format: Format, out: &mut Vec<u8>) {
    if format == Format::Resp2 {
        return replies.iter().for_each(|reply| write(reply, format, out));
    }
    write_array(replies, out, |reply, out| write(reply, format, out));
}

/// An error of the front's own.
pub(crate) fn error(text: &str) -> Bytes {
    let mut out = Vec::new();
    write(&Reply::error(text), Format::Json, &mut out);
    out.into()
}

fn write_value(reply: &Reply, format: Format, out: &mut Vec<u8>) {
    match reply {
        Reply::Nil | Reply::NilArray => out.extend_from_slice(b"null"),
        // All digits: what the client's language makes of them is its own affair.
        Reply::Integer(number) => out.extend_from_slice(number.to_string().as_bytes()),
        Reply::Array(items) => write_array(items, out, |item, out| write_value(item, format, out)),
        Reply::Simple(text) | Reply::Bulk(text) | Reply::Error(text) if format == Format::Base64 => {
            out.push(b'"');
            out.extend_from_slice(STANDARD.encode(text).as_bytes());
            out.push(b'"');
        }
        Reply::Simple(text) | Reply::Bulk(text) | Reply::Error(text) => write_text(text, out),
    }
}

fn write_array(items: &[Reply], out: &mut Vec<u8>, write: impl Fn(&Reply, &mut Vec<u8>)) {
    out.push(b'[');
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write(item, out);
    }
    out.push(b']');
}

fn write_text(bytes: &[u8], out: &mut Vec<u8>) {
    let text = readable(bytes);
    // Writing a string into memory cannot fail.
    let _ = serde_json::to_writer(out, &text);
}

/// The text, with U+FFFD for each byte that is none.
pub(crate) fn readable(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(chunk.invalid().iter().map(|_| char::REPLACEMENT_CHARACTER));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(reply: &Reply, format: Format) -> String {
        let mut out = Vec::new();
        write(reply, format, &mut out);
        String::from_utf8(out).unwrap()
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
    fn each_byte_that_is_no_text_is_replaced() {
        assert_eq!(
            written(&bulk(b"a\xe2\x82\xffb"), Format::Json),
            "{\"result\":\"a\u{fffd}\u{fffd}\u{fffd}b\"}"
        );
    }

    #[test]
    fn base64_spares_nothing_but_the_status_ok_at_the_top() {
        let json = |reply: &Reply| written(reply, Format::Base64);
        assert_eq!(json(&Reply::ok()), r#"{"result":"OK"}"#);
        assert_eq!(json(&bulk(b"OK")), r#"{"result":"T0s="}"#);
        assert_eq!(json(&Reply::Array(vec![Reply::ok(), bulk(b"\xff")])), r#"{"result":["T0s=","/w=="]}"#);
        assert_eq!(json(&Reply::Simple(Bytes::from_static(b"PONG"))), r#"{"result":"UE9ORw=="}"#);
        assert_eq!(json(&Reply::error("ERR no")), r#"{"error":"ERR no"}"#);
    }

    #[test]
    fn several_answers_are_an_array_or_follow_one_another() {
        let replies = [Reply::Integer(1), Reply::error("ERR no")];
        let all = |format| {
            let mut out = Vec::new();
            write_all(&replies, format, &mut out);
            String::from_utf8(out).unwrap()
        };
        assert_eq!(all(Format::Json), r#"[{"result":1},{"error":"ERR no"}]"#);
        assert_eq!(all(Format::Resp2), ":1\r\n-ERR no\r\n");
    }
}
