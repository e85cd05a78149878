//! Two readings of one schema: open, as clients must take it, and closed, as our own answers are held to it.

use serde_json::{Value, json};

use super::schemas::Gathered;

/// Schemas as clients get them: a value of an answer that is one of several words today may be another tomorrow. What
/// a client sends must be a word that this server knows.
pub(super) fn open(gathered: Gathered) -> Value {
    let Gathered { requests: mut all, mut answers } = gathered;
    answers.values_mut().for_each(loosen);
    all.extend(answers);
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

/// The words that a schema lists, in either way there is to list them.
fn words(value: &Value) -> Option<Value> {
    if let Some(words) = value.get("enum") {
        return Some(words.clone());
    }
    let variants = value.get("oneOf")?.as_array()?;
    variants.iter().map(|variant| variant.get("const").cloned()).collect::<Option<Vec<_>>>().map(Value::from)
}

/// The schemas with nothing allowed that they do not name: those of requests, and those of answers.
pub(super) fn close(gathered: Gathered) -> (Value, Value) {
    let Gathered { mut requests, mut answers } = gathered;
    requests.values_mut().chain(answers.values_mut()).for_each(shut);
    (Value::Object(requests), Value::Object(answers))
}

fn shut(value: &mut Value) {
    if let Value::Object(schema) = value
        && schema.contains_key("properties")
    {
        schema.insert("unevaluatedProperties".into(), json!(false));
    }
    each(value, shut);
}

/// Does the same to every schema inside `value`.
pub(super) fn each(value: &mut Value, change: fn(&mut Value)) {
    match value {
        Value::Object(members) => members.values_mut().for_each(change),
        Value::Array(values) => values.iter_mut().for_each(change),
        _ => {}
    }
}
