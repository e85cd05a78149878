//! Commands as JSON arrays: strings, numbers as they were written, `true` and `false`.
//!
//! Written by Go, the service puts U+FFFD where a text is no UTF-8 or half a surrogate pair, and keeps the
//! digits of a number.

use bytes::Bytes;
use serde::de::{Deserializer, Visitor};
use serde_json::value::RawValue;

use super::{Arguments, BadRequest};

/// What stands for half a surrogate pair.
const REPLACEMENT: &[u8] = "\u{fffd}".as_bytes();

/// `["SET", "key", 1]`
pub(super) fn command(body: &[u8]) -> Result<Arguments, BadRequest> {
    let text = text(body)?;
    arguments(&items(&text)?)
}

/// `[["SET", "key", 1], ["GET", "key"]]`
pub(super) fn commands(body: &[u8]) -> Result<Vec<Arguments>, BadRequest> {
    let text = text(body)?;
    let commands = items(&text)?;
    if commands.is_empty() {
        return Err(BadRequest::EmptyCommand);
    }
    commands.into_iter().map(|command| arguments(&items(command.get())?)).collect()
}

fn text(body: &[u8]) -> Result<std::borrow::Cow<'_, str>, BadRequest> {
    let text = String::from_utf8_lossy(body);
    if text.trim_ascii().is_empty() { Err(BadRequest::NoBody) } else { Ok(text) }
}

fn items(text: &str) -> Result<Vec<&RawValue>, BadRequest> {
    if !text.trim_ascii_start().starts_with('[') {
        return Err(BadRequest::NoArray);
    }
    serde_json::from_str(text).map_err(|error| BadRequest::Json(error.to_string()))
}

fn arguments(items: &[&RawValue]) -> Result<Arguments, BadRequest> {
    if items.is_empty() {
        return Err(BadRequest::EmptyCommand);
    }
    items.iter().map(|item| argument(item.get())).collect()
}

fn argument(text: &str) -> Result<Bytes, BadRequest> {
    match text.chars().next() {
        Some('"') => string(text),
        Some('n') => Err(BadRequest::Null),
        Some(delimiter @ ('[' | '{')) => Err(BadRequest::Nested(delimiter)),
        _ => Ok(Bytes::copy_from_slice(text.as_bytes())),
    }
}

fn string(text: &str) -> Result<Bytes, BadRequest> {
    if let Ok(string) = serde_json::from_str::<String>(text) {
        return Ok(string.into());
    }
    let bytes = serde_json::Deserializer::from_str(text).deserialize_bytes(Wtf8);
    let bytes = bytes.map_err(|error| BadRequest::Json(error.to_string()))?;
    Ok(without_surrogates(&bytes).into())
}

/// Half a surrogate pair is what the parser cannot put into a `String`; as bytes it comes as the three that
/// UTF-8 would use for it.
struct Wtf8;

impl Visitor<'_> for Wtf8 {
    type Value = Vec<u8>;

    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("a string")
    }

    fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Vec<u8>, E> {
        Ok(bytes.to_vec())
    }
}

fn without_surrogates(bytes: &[u8]) -> Vec<u8> {
    let mut rest = bytes;
    let mut out = Vec::with_capacity(bytes.len());
    while let Some((&first, after)) = rest.split_first() {
        match rest {
            [0xed, 0xa0..=0xbf, _, after @ ..] => {
                out.extend_from_slice(REPLACEMENT);
                rest = after;
            }
            _ => {
                out.push(first);
                rest = after;
            }
        }
    }
    out
}
