//! Two forms of a schema: open for clients, and closed for the check of our own responses.

use serde_json::{Value, json};

use super::schemas::Collected;

/// The schemas for clients: an enumeration in a response may grow, one in a request may not.
pub(super) fn open(collected: Collected) -> Value {
    let Collected { requests: mut all, mut responses } = collected;
    responses.values_mut().for_each(loosen);
    all.extend(responses);
    Value::Object(all)
}

fn loosen(value: &mut Value) {
    if let Some(words) = words(value)
        && let Value::Object(schema) = value
    {
        schema.remove("oneOf");
        schema.remove("enum");
        schema.insert("type".into(), "string".into());
        schema.insert("x-extensible-enum".into(), words);
    }
    each(value, loosen);
}

/// The values of an enumeration, written as `enum` or as `oneOf` of constants.
fn words(value: &Value) -> Option<Value> {
    if let Some(words) = value.get("enum") {
        return Some(words.clone());
    }
    let variants = value.get("oneOf")?.as_array()?;
    variants.iter().map(|variant| variant.get("const").cloned()).collect::<Option<Vec<_>>>().map(Value::from)
}

/// The schemas without unknown members: those of requests, and those of responses.
pub(super) fn close(collected: Collected) -> (Value, Value) {
    let Collected { mut requests, mut responses } = collected;
    requests.values_mut().chain(responses.values_mut()).for_each(close_schema);
    (Value::Object(requests), Value::Object(responses))
}

fn close_schema(value: &mut Value) {
    if let Value::Object(schema) = value
        && schema.contains_key("properties")
    {
        schema.insert("unevaluatedProperties".into(), json!(false));
    }
    each(value, close_schema);
}

/// Applies `change` to every schema inside `value`.
pub(super) fn each(value: &mut Value, change: fn(&mut Value)) {
    match value {
        Value::Object(members) => members.values_mut().for_each(change),
        Value::Array(values) => values.iter_mut().for_each(change),
        _ => {}
    }
}
