//! ARCHITECTURE.md's invariants, checked against what a test left in a room's tables.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;
use functions::dynamo::item::Item;
use functions::sync::items::{to_head, to_log, to_record};
use functions::sync::keys;
use protocol::ids::Room;
use protocol::record::Operation;
use protocol::stamp::Stamp;
use protocol::wire::publication::{Publication, PublishedChange};
use sync::log;
use sync::record::Record;
use sync::snapshot::Head;
use sync::tables::Tables;

use crate::world::World;

/// All items of a partition, in key order.
pub(crate) async fn partition(client: &Client, table: &str, pk: String) -> Vec<Item> {
    let query = client.query().table_name(table).consistent_read(true).key_condition_expression("pk = :pk");
    let pages =
        query.expression_attribute_values(":pk", AttributeValue::S(pk)).into_paginator().items().send();
    pages.collect::<Result<Vec<_>, _>>().await.unwrap()
}

fn sk(item: &Item) -> &str {
    item["sk"].as_s().unwrap()
}

/// Checks that the room's HEAD, log and records agree. `is_partial`: log items or tombstones have been
/// deleted.
pub(crate) async fn check(world: &World, room: &Room, is_partial: bool) {
    let (client, table) = (&world.dynamo, &world.table);
    let tables = Tables::built_in().unwrap();
    let items = partition(client, table, keys::room(room)).await;
    let log = partition(client, table, keys::log(room)).await;
    let publication = |item| log::publication(&tables, room, &to_log(item).unwrap()).unwrap();
    let log: Vec<Publication> = log.iter().map(publication).collect();
    let head = items.iter().find(|item| sk(item) == keys::HEAD);
    let head = head.map(|item| to_head(item).unwrap()).unwrap_or_default();
    let records = items.iter().filter(|item| sk(item).starts_with("REC#"));
    let records: BTreeMap<String, Record> =
        records.map(|item| (sk(item).to_owned(), to_record(item).unwrap())).collect();
    if is_partial {
        return check_partial(&head, &log, &records);
    }
    check_chain(&head, &log);
    check_replay(&head, &log, &records);
}

/// Checks a room whose log items or tombstones have expired: the rest of the log agrees with the records, and
/// HEAD counts them exactly.
fn check_partial(head: &Head, log: &[Publication], records: &BTreeMap<String, Record>) {
    for item in log {
        let is_in_order = item.first > item.prev && item.last() <= head.stamp;
        assert!(is_in_order, "stamps do not increase, or exceed HEAD");
        for (i, change) in item.changes.iter().enumerate() {
            let record = records.get(&format!("REC#{}#{}", change.table_name, change.record_id));
            let stamp = item.first.plus(i);
            assert!(record.is_none_or(|record| record.stamp >= stamp), "a record is older than its log");
            let Some(record) = record.filter(|record| record.stamp == stamp) else { continue };
            assert_eq!((change.version, change.data.as_str()), (record.version, record.data.as_str()));
        }
    }
    check_count(head, records);
}

/// I3: each log item names its predecessor, stamps increase, and the last one is HEAD's.
fn check_chain(head: &Head, log: &[Publication]) {
    let mut prev = Stamp::ZERO;
    for item in log {
        assert_eq!(item.prev, prev, "the log's chain is broken");
        assert!(item.first > prev, "stamps do not increase");
        prev = item.last();
    }
    assert_eq!(prev, head.stamp, "HEAD is not the last log item");
    assert_eq!(head.log_items, log.len() as u64);
}

/// I1, I2, I6: replaying the log gives the stored records, and each version is written once.
fn check_replay(head: &Head, log: &[Publication], records: &BTreeMap<String, Record>) {
    let mut replayed: BTreeMap<String, (PublishedChange, Stamp)> = BTreeMap::new();
    let mut changes = 0;
    for item in log {
        for (i, change) in item.changes.iter().enumerate() {
            let key = format!("REC#{}#{}", change.table_name, change.record_id);
            let last = replayed.insert(key, (change.clone(), item.first.plus(i)));
            let next = last.map_or(1, |(last, _)| last.version + 1);
            assert_eq!(change.version, next, "a version is written twice or missing");
            changes += 1;
        }
    }
    assert_eq!(head.changes, changes);
    assert_eq!(replayed.len(), records.len());
    for (key, record) in records {
        let (change, stamp) = &replayed[key];
        let stored = (record.version, record.stamp, record.data.as_str());
        assert_eq!((change.version, *stamp, change.data.as_str()), stored, "{key}");
        assert_eq!(change.operation == Operation::Delete, record.deleted, "{key}");
    }
    check_count(head, records);
}

/// No record was changed after the stamp that HEAD has for its table.
fn check_table_stamps(head: &Head, records: &BTreeMap<String, Record>) {
    let Some(stamps) = head.table_stamps.as_ref().filter(|stamps| stamps.as_of == head.stamp) else { return };
    for (key, record) in records {
        let table = key.split('#').nth(1).unwrap();
        let bound = stamps.last.get(table).copied().unwrap_or(stamps.others);
        assert!(record.stamp <= bound, "{key} was changed at {}, after {}", record.stamp.0, bound.0);
    }
}

fn check_count(head: &Head, records: &BTreeMap<String, Record>) {
    check_table_stamps(head, records);
    let live = records.values().filter(|record| !record.deleted).count() as u64;
    assert_eq!(head.live.values().sum::<u64>(), live, "HEAD miscounts the live records");
}
