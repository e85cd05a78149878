//! DynamoDB's JSON, as far as the simulation reads it.

use std::collections::HashMap;

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use functions::dynamo::item::Item;
use serde_json::Value;

/// An item out of a request's or an answer's JSON; none if it has an attribute of a type that we never write.
pub fn item(json: &Value) -> Option<Item> {
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
        "NS" | "SS" => {
            let texts = value.as_array()?.iter().map(|text| Some(text.as_str()?.to_owned()));
            let texts = texts.collect::<Option<_>>()?;
            if kind == "NS" { AttributeValue::Ns(texts) } else { AttributeValue::Ss(texts) }
        }
        _ => return None,
    })
}

/// A key attribute of an item.
pub fn key<'a>(item: &'a HashMap<String, AttributeValue>, name: &str) -> &'a str {
    item.get(name).and_then(|value| value.as_s().ok()).map_or("", String::as_str)
}
