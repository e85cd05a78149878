//! Direct access to the tables, past the network and its faults.

use functions::dynamo::item::Item;
use functions::sync::items::to_head;
use functions::sync::keys;
use local::dynamo::in_process::Tables;
use protocol::ids::Room;
use serde_json::{Value, json};
use sync::snapshot::Head;

use super::dynamo_json;
use super::environment::TABLE;

/// Every item of a partition, in key order.
pub(crate) fn partition(tables: &Tables, pk: &str) -> Vec<Item> {
    let mut items = Vec::new();
    let mut request = json!({ "TableName": TABLE, "ConsistentRead": true,
        "KeyConditionExpression": "pk = :pk", "ExpressionAttributeValues": { ":pk": { "S": pk } } });
    loop {
        let response = tables.execute("Query", &request.to_string());
        let Ok(mut response) = serde_json::from_str::<Value>(&response.body) else { return items };
        let found = response.get("Items").and_then(Value::as_array).into_iter().flatten();
        items.extend(found.filter_map(dynamo_json::item));
        match (response.get_mut("LastEvaluatedKey"), request.as_object_mut()) {
            (Some(key), Some(members)) => drop(members.insert("ExclusiveStartKey".into(), key.take())),
            _ => return items,
        }
    }
}

/// The HEAD of a room; the default before its first commit.
pub(crate) fn head(tables: &Tables, room: &Room) -> Head {
    let key = json!({ "pk": { "S": keys::room(room) }, "sk": { "S": keys::HEAD } });
    let request = json!({ "TableName": TABLE, "ConsistentRead": true, "Key": key });
    let response = tables.execute("GetItem", &request.to_string());
    let response: Value = serde_json::from_str(&response.body).unwrap_or_default();
    let item = response.get("Item").and_then(dynamo_json::item);
    item.and_then(|item| to_head(&item).ok()).unwrap_or_default()
}

pub(crate) fn delete(tables: &Tables, pk: &str, sk: &str) {
    let key = json!({ "pk": { "S": pk }, "sk": { "S": sk } });
    tables.execute("DeleteItem", &json!({ "TableName": TABLE, "Key": key }).to_string());
}
