//! The bare transaction: the items of a push, written with the same SDK and condition and nothing else.

use std::collections::HashMap;
use std::error::Error;
use std::time::{Duration, Instant};

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{AttributeValue, Put, TransactWriteItem};
use functions::dynamo::item::Item;
use functions::sync::keys;
use local::stack::Stack;
use protocol::ids::Room;
use protocol::limits::PUSH_RECORDS_MAX;
use protocol::stamp::Stamp;

use crate::fleet;

/// Writes the items of the push that ended at `stamp` to another partition. Returns the time it takes.
pub(super) async fn transaction(
    stack: &Stack,
    room: &Room,
    stamp: Stamp,
) -> Result<Duration, Box<dyn Error>> {
    let client = stack.client();
    let items = written(&client, stack.table(), room, stamp).await?;
    assert_eq!(items.len(), PUSH_RECORDS_MAX + 3);
    let partition = fleet::batch_id();
    let put = |mut item: Item| {
        let pk = item.get("pk").and_then(|pk| pk.as_s().ok()).cloned().unwrap_or_default();
        item.insert("pk".into(), AttributeValue::S(format!("BARE#{partition}#{pk}")));
        let put = Put::builder().table_name(stack.table()).set_item(Some(item));
        let put = put.condition_expression("attribute_not_exists(pk)").build()?;
        Ok::<_, Box<dyn Error>>(TransactWriteItem::builder().put(put).build())
    };
    let puts: Vec<TransactWriteItem> = items.into_iter().map(put).collect::<Result<_, _>>()?;
    let started = Instant::now();
    client.transact_write_items().set_transact_items(Some(puts)).send().await?;
    Ok(started.elapsed())
}

/// The records, HEAD, marker and log item of one push.
async fn written(
    client: &Client,
    table: &str,
    room: &Room,
    stamp: Stamp,
) -> Result<Vec<Item>, Box<dyn Error>> {
    let query = client.query().table_name(table).key_condition_expression("pk = :pk");
    let query = query
        .filter_expression("stamp > :before AND stamp <= :last")
        .expression_attribute_values(":pk", AttributeValue::S(keys::room(room)))
        .expression_attribute_values(":before", number(stamp.0 - PUSH_RECORDS_MAX as u64))
        .expression_attribute_values(":last", number(stamp.0));
    let mut items = query.into_paginator().items().send().collect::<Result<Vec<_>, _>>().await?;
    let key = [("pk", keys::log(room)), ("sk", keys::log_item(stamp))];
    let key: HashMap<_, _> = key.map(|(name, value)| (name.to_owned(), AttributeValue::S(value))).into();
    items.extend(client.get_item().table_name(table).set_key(Some(key)).send().await?.item);
    Ok(items)
}

fn number(value: u64) -> AttributeValue {
    AttributeValue::N(value.to_string())
}
