//! Torn reads: a `BatchGetItem` reads its items at different times, because DynamoDB gives no consistent view
//! of them.

use local::dynamo::in_process::Response;
use serde_json::{Value, json};

use super::rng::Rng;

/// Splits a request into two with some of the keys each. Returns `None` if there is only one key.
pub(crate) fn split(body: &str, rng: &mut Rng) -> Option<(Value, Value)> {
    let whole: Value = serde_json::from_str(body).ok()?;
    let (table, wanted) = whole.get("RequestItems")?.as_object()?.iter().next()?;
    let mut keys = wanted.get("Keys")?.as_array()?.clone();
    // The order of the keys differs between runs, so it must not decide which part a key falls into.
    keys.sort_by_key(|key| key.to_string());
    let (first, second): (Vec<Value>, Vec<Value>) = keys.into_iter().partition(|_| rng.chance(500));
    if first.is_empty() || second.is_empty() {
        return None;
    }
    let part = |keys: Vec<Value>| {
        let mut part = whole.clone();
        *part.get_mut("RequestItems")?.get_mut(table)?.get_mut("Keys")? = Value::Array(keys);
        Some(part)
    };
    Some((part(first)?, part(second)?))
}

/// The response that leaves the second part unprocessed.
pub(crate) fn unprocessed(early: Response, second: &Value) -> Response {
    let parsed: Result<Value, _> = serde_json::from_str(&early.body);
    let (Ok(Value::Object(mut response)), Some(left)) = (parsed, second.get("RequestItems")) else {
        return early;
    };
    response.insert("UnprocessedKeys".into(), left.clone());
    Response { status: early.status, body: Value::Object(response).to_string() }
}

/// Both responses as one.
pub(crate) fn join(early: Response, late: Response) -> Response {
    if !early.is_ok() || !late.is_ok() {
        return if early.is_ok() { late } else { early };
    }
    let (Ok(mut one), Ok(other)) = (parse(&early), parse(&late)) else { return early };
    let tables = other.get("Responses").and_then(Value::as_object).into_iter().flatten();
    for (table, items) in tables {
        if let Some(known) = one.pointer_mut(&format!("/Responses/{table}")).and_then(Value::as_array_mut) {
            known.extend(items.as_array().into_iter().flatten().cloned());
        } else if let Some(responses) = one.get_mut("Responses").and_then(Value::as_object_mut) {
            responses.insert(table.clone(), items.clone());
        }
    }
    let units = |response: &Value| {
        response.get("ConsumedCapacity").and_then(Value::as_array).cloned().unwrap_or_default()
    };
    let consumed = [units(&one), units(&other)].concat();
    if let Some(members) = one.as_object_mut() {
        members.insert("ConsumedCapacity".into(), json!(consumed));
    }
    Response { status: early.status, body: one.to_string() }
}

fn parse(response: &Response) -> Result<Value, serde_json::Error> {
    serde_json::from_str(&response.body)
}
