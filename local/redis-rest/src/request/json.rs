//! Commands as JSON arrays of strings, numbers, `true` and `false`.
//!
//! The service is written in Go: it puts U+FFFD for invalid UTF-8 and for a lone surrogate, and keeps a
//! number's digits.

use std::borrow::Cow;

use bytes::Bytes;
use serde::de::{Deserializer, Visitor};
use serde_json::value::RawValue;

use super::{Arguments, ParseError};

/// `["SET", "key", 1]`
pub(super) fn command(body: &[u8]) -> Result<Arguments, ParseError> {
    arguments(&items(&text(body)?)?)
}

/// `[["SET", "key", 1], ["GET", "key"]]`
pub(super) fn commands(body: &[u8]) -> Result<Vec<Arguments>, ParseError> {
    let text = text(body)?;
    let commands = items(&text)?;
    if commands.is_empty() {
        return Err(ParseError::EmptyCommand);
    }
    commands.into_iter().map(|command| arguments(&items(command.get())?)).collect()
}

fn text(body: &[u8]) -> Result<Cow<'_, str>, ParseError> {
    let text = String::from_utf8_lossy(body);
    if text.trim_ascii().is_empty() { Err(ParseError::NoBody) } else { Ok(text) }
}

fn items(text: &str) -> Result<Vec<&RawValue>, ParseError> {
    if !text.trim_ascii_start().starts_with('[') {
        return Err(ParseError::NoArray);
    }
    serde_json::from_str(text).map_err(|error| ParseError::Json(error.to_string()))
}

fn arguments(items: &[&RawValue]) -> Result<Arguments, ParseError> {
    if items.is_empty() {
        return Err(ParseError::EmptyCommand);
    }
    items.iter().map(|item| argument(item.get())).collect()
}

fn argument(text: &str) -> Result<Bytes, ParseError> {
    match text.chars().next() {
        Some('"') => string(text),
        Some('n') => Err(ParseError::Null),
        Some(delimiter @ ('[' | '{')) => Err(ParseError::Nested(delimiter)),
        _ => Ok(Bytes::copy_from_slice(text.as_bytes())),
    }
}

fn string(text: &str) -> Result<Bytes, ParseError> {
    let string = serde_json::Deserializer::from_str(text).deserialize_bytes(LossyString);
    string.map(Bytes::from).map_err(|error| ParseError::Json(error.to_string()))
}

/// A string that may contain lone surrogates, which the parser refuses to put into a `String`.
struct LossyString;

impl Visitor<'_> for LossyString {
    type Value = String;

    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("a string")
    }

    /// A lone surrogate arrives as three bytes, which UTF-8 would use for it: 0xED and two others. Each of
    /// them is an invalid chunk of its own, and all three together are one U+FFFD.
    fn visit_bytes<E>(self, bytes: &[u8]) -> Result<String, E> {
        let mut text = String::with_capacity(bytes.len());
        for chunk in bytes.utf8_chunks() {
            text.push_str(chunk.valid());
            if chunk.invalid().first() == Some(&0xed) {
                text.push(char::REPLACEMENT_CHARACTER);
            }
        }
        Ok(text)
    }
}
