//! Attributes of DynamoDB items.

use std::collections::HashMap;

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use protocol::json::JsonText;

use super::error::StoreError;

/// An item of a table.
pub type Item = HashMap<String, AttributeValue>;

/// A number attribute.
pub fn number(value: u64) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

/// A text attribute.
pub fn text(value: impl Into<String>) -> AttributeValue {
    AttributeValue::S(value.into())
}

/// An item of these attributes.
pub fn item<const N: usize>(attributes: [(&str, AttributeValue); N]) -> Item {
    attributes.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// The attribute `name` as `read` returns it; [`StoreError::Corrupt`] if it is missing or wrong.
pub fn get<'a, T>(
    item: &'a Item,
    name: &'static str,
    read: impl FnOnce(&'a AttributeValue) -> Option<T>,
) -> Result<T, StoreError> {
    item.get(name).and_then(read).ok_or(StoreError::Corrupt(name))
}

/// The same as [`get`] for an attribute that may be missing.
pub fn optional<'a, T>(
    item: &'a Item,
    name: &'static str,
    read: impl FnOnce(&'a AttributeValue) -> Option<T>,
) -> Result<Option<T>, StoreError> {
    item.contains_key(name).then(|| get(item, name, read)).transpose()
}

/// Reads a number attribute.
pub fn as_number(value: &AttributeValue) -> Option<u64> {
    value.as_n().ok()?.parse().ok()
}

/// Reads a text attribute.
pub fn as_text(value: &AttributeValue) -> Option<&String> {
    value.as_s().ok()
}

/// Reads text and parses it.
pub fn as_parsed<T: std::str::FromStr>(value: &AttributeValue) -> Option<T> {
    value.as_s().ok()?.parse().ok()
}

/// Reads a text of JSON.
pub fn as_json(value: &AttributeValue) -> Option<JsonText> {
    JsonText::from_text(as_text(value)?.clone()).ok()
}

/// Reads a flag.
pub fn as_bool(value: &AttributeValue) -> Option<bool> {
    value.as_bool().ok().copied()
}

/// Reads bytes.
pub fn as_bytes(value: &AttributeValue) -> Option<&[u8]> {
    value.as_b().ok().map(Blob::as_ref)
}

/// An item in DynamoDB's JSON.
#[cfg(test)]
pub(crate) fn dynamo_json(line: &str) -> Item {
    serde_json::from_str::<serde_dynamo::Item>(line)
        .unwrap()
        .into_inner()
        .into_iter()
        .map(|(name, value)| (name, value.into()))
        .collect()
}

/// The primary key of an item.
pub fn key(pk: impl Into<String>, sk: impl Into<String>) -> Item {
    item([("pk", text(pk)), ("sk", text(sk))])
}
