//! Items in DynamoDB's JSON format.

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use functions::dynamo::item::Item;
use serde_json::Value;

/// Parses an item. Returns `None` if an attribute has a type that the product never writes.
pub(crate) fn item(json: &Value) -> Option<Item> {
    json.as_object()?.iter().map(|(name, value)| Some((name.clone(), attribute(value)?))).collect()
}

fn attribute(json: &Value) -> Option<AttributeValue> {
    let (kind, value) = json.as_object()?.iter().next()?;
    Some(match kind.as_str() {
        "S" => AttributeValue::S(value.as_str()?.to_owned()),
        "N" => AttributeValue::N(value.as_str()?.to_owned()),
        "B" => AttributeValue::B(Blob::new(STANDARD.decode(value.as_str()?).ok()?)),
        "BOOL" => AttributeValue::Bool(value.as_bool()?),
        "NULL" => AttributeValue::Null(true),
        "L" => AttributeValue::L(value.as_array()?.iter().map(attribute).collect::<Option<_>>()?),
        "M" => AttributeValue::M(item(value)?),
        "NS" => AttributeValue::Ns(texts(value)?),
        "SS" => AttributeValue::Ss(texts(value)?),
        _ => return None,
    })
}

fn texts(json: &Value) -> Option<Vec<String>> {
    json.as_array()?.iter().map(|text| Some(text.as_str()?.to_owned())).collect()
}

/// A key attribute of an item; empty if it is missing.
pub(crate) fn key<'a>(item: &'a Item, name: &str) -> &'a str {
    item.get(name).and_then(|value| value.as_s().ok()).map_or("", String::as_str)
}
