//! Direct access to the tables, past the network and its faults.

use functions::dynamo::error::StoreError;
use functions::dynamo::item::{Item, as_number};
use functions::sync::items::head_office::{CREATED, NOTED, to_noted};
use functions::sync::items::{to_head, to_record};
use functions::sync::keys;
use local::dynamo::in_process::Tables;
use model::Key;
use protocol::ids::Room;
use protocol::stamp::Stamp;
use protocol::timestamp::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};
use sync::record::Record;
use sync::snapshot::Head;

use super::environment::TABLE;

/// Parses an item in DynamoDB's JSON format.
pub(crate) fn item(json: &Value) -> Option<Item> {
    serde_dynamo::Item::deserialize(json).ok().map(Item::from)
}

/// A key attribute of an item; empty if it is missing.
pub(crate) fn key<'a>(item: &'a Item, name: &str) -> &'a str {
    item.get(name).and_then(|value| value.as_s().ok()).map_or("", String::as_str)
}

/// The record that a sort key names.
pub(crate) fn record_key(sk: &str) -> Option<Key> {
    let (table, id) = sk.strip_prefix("REC#")?.split_once('#')?;
    Some((table.to_owned(), id.to_owned()))
}

/// The stored records of a room, tombstones included.
pub(crate) fn records(tables: &Tables, room: &Room) -> Vec<(Key, Result<Record, StoreError>)> {
    let items = partition(tables, &keys::room(room));
    items.iter().filter_map(|item| Some((record_key(key(item, "sk"))?, to_record(item)))).collect()
}

/// Every item of a partition, in key order.
pub(crate) fn partition(tables: &Tables, pk: &str) -> Vec<Item> {
    json_items(tables, pk).iter().filter_map(item).collect()
}

/// As [`partition`], in DynamoDB's JSON format.
pub(crate) fn json_items(tables: &Tables, pk: &str) -> Vec<Value> {
    let mut items = Vec::new();
    let mut request = json!({ "TableName": TABLE, "ConsistentRead": true,
        "KeyConditionExpression": "pk = :pk", "ExpressionAttributeValues": { ":pk": { "S": pk } } });
    loop {
        let response = tables.execute("Query", &request.to_string());
        let Ok(mut response) = serde_json::from_str::<Value>(&response.body) else { return items };
        if let Some(found) = response.get_mut("Items").and_then(Value::as_array_mut) {
            items.append(found);
        }
        match (response.get_mut("LastEvaluatedKey"), request.as_object_mut()) {
            (Some(key), Some(members)) => drop(members.insert("ExclusiveStartKey".into(), key.take())),
            _ => return items,
        }
    }
}

/// The HEAD of a room; the default before its first commit.
pub(crate) fn head(tables: &Tables, room: &Room) -> Head {
    let key = json!({ "pk": { "S": keys::room(room) }, "sk": { "S": keys::HEAD } });
    stored(tables, &key).and_then(|item| to_head(&item).ok()).unwrap_or_default()
}

/// The item with this key, in DynamoDB's JSON format.
pub(crate) fn stored(tables: &Tables, key: &Value) -> Option<Item> {
    let request = json!({ "TableName": TABLE, "ConsistentRead": true, "Key": key });
    let response = tables.execute("GetItem", &request.to_string());
    let response: Value = serde_json::from_str(&response.body).ok()?;
    item(response.get("Item")?)
}

/// When an item of a room expires. `None` if it does not exist.
pub(crate) fn expires_at(tables: &Tables, room: &Room, sk: &str) -> Option<Timestamp> {
    let key = json!({ "pk": { "S": keys::room(room) }, "sk": { "S": sk } });
    let ttl = stored(tables, &key)?.get("ttl").and_then(as_number)?;
    Some(Timestamp(0).plus_secs(ttl))
}

/// Creates the branch of a room, as an administrator does. A branch of an older release has no note.
pub(crate) fn create_branch(tables: &Tables, room: &Room, noted: bool) {
    let none = json!({ "N": "0" });
    let mut item = branch_key(room);
    if let Some(attributes) = item.as_object_mut() {
        attributes.insert(CREATED.to_owned(), none.clone());
        attributes.extend(noted.then(|| (NOTED.to_owned(), none)));
    }
    put(tables, &item);
}

/// The noted stamp of a branch.
pub(crate) fn noted(tables: &Tables, room: &Room) -> Option<Stamp> {
    to_noted(&stored(tables, &branch_key(room))?).ok()?
}

fn branch_key(room: &Room) -> Value {
    json!({ "pk": { "S": keys::client(&room.client) }, "sk": { "S": keys::branch(&room.branch) } })
}

/// Stores an item in DynamoDB's JSON format.
pub(crate) fn put(tables: &Tables, item: &Value) {
    tables.execute("PutItem", &json!({ "TableName": TABLE, "Item": item }).to_string());
}

pub(crate) fn delete(tables: &Tables, pk: &str, sk: &str) {
    let key = json!({ "pk": { "S": pk }, "sk": { "S": sk } });
    tables.execute("DeleteItem", &json!({ "TableName": TABLE, "Key": key }).to_string());
}
