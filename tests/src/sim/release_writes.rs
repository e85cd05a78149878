//! What the release before writes: it knows neither the stamps of tables in HEAD, which it leaves as they
//! are, nor the names of tables in log items.

use functions::sync::keys;
use local::dynamo::in_process::Request;
use serde_json::Value;

const STAMPS: &str = "table_stamps";

/// The request as a function of the release before sends it.
pub(crate) fn as_before(request: Request) -> Request {
    if request.action != "TransactWriteItems" {
        return request;
    }
    let Ok(mut body) = serde_json::from_str::<Value>(&request.body) else { return request };
    let actions = body.get_mut("TransactItems").and_then(Value::as_array_mut);
    for action in actions.into_iter().flatten() {
        forget_stamps(action);
        if let Some(item) = action.pointer_mut("/Put/Item").and_then(Value::as_object_mut) {
            item.remove("tables");
        }
    }
    Request { body: body.to_string(), ..request }
}

/// Takes the stamps out of an update of HEAD.
fn forget_stamps(action: &mut Value) {
    if action.pointer("/Update/Key/sk/S").and_then(Value::as_str) != Some(keys::HEAD) {
        return;
    }
    let Some(update) = action.get_mut("Update").and_then(Value::as_object_mut) else { return };
    if let Some(Value::String(text)) = update.get_mut("UpdateExpression") {
        // In alphabetical order; the stamp of HEAD comes before.
        *text = text.replace(&format!(", #{STAMPS} = :{STAMPS}"), "");
    }
    for (kind, sign) in [("ExpressionAttributeNames", '#'), ("ExpressionAttributeValues", ':')] {
        let known = update.get_mut(kind).and_then(Value::as_object_mut);
        known.and_then(|known| known.remove(&format!("{sign}{STAMPS}")));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_release_before_writes_neither_stamps_nor_names_of_tables() {
        let head = json!({ "Update": { "Key": { "sk": { "S": "HEAD" } },
            "UpdateExpression": "SET #stamp = :stamp, #table_stamps = :table_stamps REMOVE #clocks",
            "ExpressionAttributeNames": { "#stamp": "stamp", "#table_stamps": "table_stamps" },
            "ExpressionAttributeValues": { ":stamp": { "N": "1" }, ":table_stamps": { "M": {} } } } });
        let log = json!({ "Put": { "Item": { "tables": { "SS": ["halls"] }, "total": { "N": "1" } } } });
        let body = json!({ "TransactItems": [head, log] }).to_string();
        let before = as_before(Request { action: "TransactWriteItems".into(), body }).body;
        assert!(before.contains("SET #stamp = :stamp REMOVE #clocks"), "{before}");
        assert!(
            !before.contains(STAMPS) && !before.contains("tables") && before.contains("total"),
            "{before}"
        );
    }
}
