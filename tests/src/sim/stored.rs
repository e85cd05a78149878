//! What is in the tables, read directly: no fault strikes whoever checks a run.

use functions::dynamo::item::Item;
use functions::sync::items::to_head;
use functions::sync::keys;
use local::dynamo::in_process::Tables;
use protocol::ids::Room;
use serde_json::{Value, json};
use sync::snapshot::Head;

use super::stage::TABLE;
use super::wire;

/// Every item of a partition, in key order.
pub fn partition(tables: &Tables, pk: &str) -> Vec<Item> {
    let mut items = Vec::new();
    let mut request = json!({ "TableName": TABLE, "ConsistentRead": true,
        "KeyConditionExpression": "pk = :pk", "ExpressionAttributeValues": { ":pk": { "S": pk } } });
    loop {
        let answer = tables.execute("Query", &request.to_string());
        let Ok(mut answer) = serde_json::from_str::<Value>(&answer.body) else { return items };
        let found = answer.get("Items").and_then(Value::as_array).into_iter().flatten();
        items.extend(found.filter_map(wire::item));
        match (answer.get_mut("LastEvaluatedKey"), request.as_object_mut()) {
            (Some(key), Some(members)) => drop(members.insert("ExclusiveStartKey".into(), key.take())),
            _ => return items,
        }
    }
}

/// The room's HEAD; the default if nothing was ever committed.
pub fn head(tables: &Tables, room: &Room) -> Head {
    let key = json!({ "pk": { "S": keys::room(room) }, "sk": { "S": keys::HEAD } });
    let request = json!({ "TableName": TABLE, "ConsistentRead": true, "Key": key });
    let answer = tables.execute("GetItem", &request.to_string());
    let answer: Value = serde_json::from_str(&answer.body).unwrap_or_default();
    answer.get("Item").and_then(wire::item).and_then(|item| to_head(&item).ok()).unwrap_or_default()
}

/// Deletes an item.
pub fn delete(tables: &Tables, pk: &str, sk: &str) {
    let key = json!({ "pk": { "S": pk }, "sk": { "S": sk } });
    tables.execute("DeleteItem", &json!({ "TableName": TABLE, "Key": key }).to_string());
}
