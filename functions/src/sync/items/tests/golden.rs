//! Items as release f756253 stored them, the first with a format, and HEADs with attributes from later. Add
//! files for later formats, and keep these.

use super::*;
use crate::dynamo::item::dynamo_json;
use sync::dead_letters::letters;
use sync::log::publication;
use sync::tables::Tables;

fn items(lines: &str, kind: &ItemKind) -> Vec<Item> {
    let items: Vec<Item> = lines.lines().map(dynamo_json).collect();
    let known =
        |name: &&String| ["pk", "sk"].contains(&name.as_str()) || kind.attributes.contains(&name.as_str());
    assert!(items.iter().all(|item| item.keys().all(|name| known(&name))), "{}", kind.name);
    items
}

/// What is written now, with the key of `item`.
fn again(mut written: Item, item: &Item) -> Item {
    written.extend(["pk", "sk"].map(|name| (name.to_owned(), item[name].clone())));
    written
}

const NOW: Timestamp = Timestamp(1_765_103_401_000_123);

#[test]
fn head_and_feed_are_read_and_written_as_before() {
    let [head]: [Item; 1] = items(include_str!("../../../../golden/head.jsonl"), &HEAD).try_into().unwrap();
    let read = to_head(&head).unwrap();
    assert_eq!(
        (read.stamp, read.changes, read.log_items, read.live.len()),
        (Stamp(1_765_103_401_000_124), 5, 2, 2)
    );
    let mut without_clocks = head.clone();
    without_clocks.remove("clocks");
    assert_eq!(again(from_head(&read), &head), without_clocks);
    assert_eq!(to_clocks(&head).unwrap().iter().count(), 1, "the statistics still show them");
    let [feed]: [Item; 1] = items(include_str!("../../../../golden/feed.jsonl"), &FEED).try_into().unwrap();
    assert_eq!(to_feed(&feed).unwrap(), Feed { stamp: read.stamp, changes: 5 });
}

#[test]
fn a_head_with_its_shortest_retention_is_read_and_written_as_before() {
    let lines = include_str!("../../../../golden/head_shortest_retention.jsonl");
    for head in items(lines, &HEAD) {
        let read = to_head(&head).unwrap();
        let kept = read.shortest_retention.unwrap();
        assert_eq!((kept.tombstone_secs, kept.marker_secs), (7_776_000, 3_024_000));
        assert_eq!(again(from_head(&read), &head), head);
    }
}

#[test]
fn items_that_name_tables_are_read_and_written_as_before() {
    let [head]: [Item; 1] =
        items(include_str!("../../../../golden/head_table_stamps.jsonl"), &HEAD).try_into().unwrap();
    let read = to_head(&head).unwrap();
    let stamps = read.table_stamps.clone().unwrap();
    assert_eq!((stamps.as_of, stamps.others), (read.stamp, Stamp(1_765_103_400_000_000)));
    assert_eq!(stamps.last["products"], Stamp(1_765_103_401_000_123));
    assert_eq!(again(from_head(&read), &head), head);
    let [log]: [Item; 1] =
        items(include_str!("../../../../golden/log_tables.jsonl"), &LOG).try_into().unwrap();
    let read = to_log(&log).unwrap();
    assert_eq!(read.tables, Some(["product_stock", "products"].map(str::to_owned).into()));
    assert_eq!(again(from_log(read, Retention::default(), NOW), &log), log);
}

#[test]
fn clocks_are_read_and_written_as_before() {
    let lines = include_str!("../../../../golden/clocks.jsonl");
    let [stored]: [Item; 1] = items(lines, &CLOCKS).try_into().unwrap();
    let clocks = CLOCKS.read(&stored, to_clocks).unwrap();
    let readings: Vec<_> =
        clocks.iter().map(|(device, reading)| (device.as_str(), reading.skew_millis)).collect();
    assert_eq!(readings, [("till-1", -7), ("till-2", 120_000)]);
    let written = item([("clocks", from_clocks(&clocks)), ("revision", stored["revision"].clone())]);
    assert_eq!(again(written, &stored), stored);
}

#[test]
fn counts_are_read_and_written_as_before() {
    let lines = include_str!("../../../../golden/counts.jsonl");
    let [mut stored]: [Item; 1] = items(lines, &COUNTS).try_into().unwrap();
    let counts = RoomCounts { dead_letters: 3, conflicts: 4 };
    assert_eq!(to_room_counts(&stored).unwrap(), (counts, 7));
    assert_eq!(again(from_room_counts(counts, 6), &stored), stored);
    // A damaged count begins again, and the others stay.
    stored.insert("dead_letters".to_owned(), text("three"));
    assert_eq!(to_room_counts(&stored).unwrap(), (RoomCounts { dead_letters: 0, conflicts: 4 }, 7));
}

#[test]
fn numbers_of_batches_are_read_and_written_as_before() {
    let lines = include_str!("../../../../golden/device.jsonl");
    let [stored]: [Item; 1] = items(lines, &DEVICE).try_into().unwrap();
    let batches = to_device_batches(&stored).unwrap();
    let ranges: Vec<_> = batches.ranges.iter().map(|range| (range.first, range.last)).collect();
    assert_eq!((ranges, batches.marks.len(), batches.revision), (vec![(9, 10), (7, 7)], 1, 3));
    assert_eq!(again(from_device_batches(&DeviceBatches { revision: 2, ..batches }), &stored), stored);
}

#[test]
fn records_are_read_and_written_as_before() {
    let items = items(include_str!("../../../../golden/record.jsonl"), &RECORD);
    let read: Vec<Record> = items.iter().map(|item| to_record(item).unwrap()).collect();
    for (item, record) in items.iter().zip(&read) {
        assert_eq!(again(from_record(record, Retention::default(), NOW), item), *item);
        assert_eq!((record.data.as_str(), record.version), (r#"{"name": "Tea", "price": 1.10}"#, 2));
    }
    let [merged, plain, gone] = read.try_into().unwrap();
    assert_eq!((merged.fields.since, merged.fields.changed["price"], plain.fields.since), (1, 2, 0));
    assert!(!merged.deleted && gone.deleted);
}

#[test]
fn markers_are_read_and_written_as_before() {
    let [item]: [Item; 1] =
        items(include_str!("../../../../golden/marker.jsonl"), &MARKER).try_into().unwrap();
    let marker = to_marker(&item).unwrap();
    assert_eq!(marker.outcomes().unwrap().len(), 6);
    assert_eq!(again(from_marker(&marker, Retention::default(), NOW), &item), item);
}

#[test]
fn log_items_are_read_as_before() {
    let [item]: [Item; 1] = items(include_str!("../../../../golden/log.jsonl"), &LOG).try_into().unwrap();
    let log = to_log(&item).unwrap();
    let publication = publication(&Tables::built_in().unwrap(), &"1:2".parse().unwrap(), &log).unwrap();
    let ids: Vec<_> = publication.changes.iter().map(|change| change.record_id.as_str()).collect();
    assert_eq!((ids, publication.prev, log.total), (vec!["p-1", "p-2"], Stamp(1_765_103_401_000_122), 5));
    assert_eq!(publication.changes[0].data.as_str(), r#"{"name": "Tea", "price": 1.10}"#);
    assert_eq!(again(from_log(log, Retention::default(), NOW), &item), item);
}

#[test]
fn dead_letters_are_read_as_before() {
    let lines = include_str!("../../../../golden/dead_letters.jsonl");
    let [item]: [Item; 1] = items(lines, &DEAD).try_into().unwrap();
    let stored = to_dead(&item).unwrap();
    let codes: Vec<_> = letters(&stored.item).unwrap().into_iter().map(|letter| letter.code).collect();
    assert_eq!(codes, ["forbidden", "malformed"]);
    let written = from_dead(stored.item, &stored.device, stored.batch.as_ref(), stored.received_at);
    assert_eq!(again(written, &item), item);
}

#[test]
fn branches_are_read_as_before() {
    let lines = items(include_str!("../../../../golden/branch.jsonl"), &BRANCH);
    let noted: Vec<_> = lines.iter().map(|item| to_noted(item).unwrap()).collect();
    // The first is of a release that does not note commits.
    assert_eq!(noted, [None, Some(Stamp(1_765_103_401_000_124)), Some(Stamp::ZERO)]);
    let damaged = item([(NOTED, text("soon"))]);
    assert!(to_noted(&damaged).unwrap_err().is_damage());
}

#[test]
fn checkpoints_are_read_and_written_as_before() {
    let lines = include_str!("../../../../golden/checkpoint.jsonl");
    let [item]: [Item; 1] = items(lines, &CHECKPOINT).try_into().unwrap();
    let id = get(&item, "sk", as_parsed).unwrap();
    let (checkpoint, ttl) = to_checkpoint(id, &item).unwrap();
    assert_eq!((checkpoint.positions.len(), ttl), (2, as_number(&item["ttl"]).unwrap()));
    let (_, bytes) = Checkpoint::new(checkpoint.positions);
    assert_eq!(again(from_checkpoint(bytes, Retention::default(), NOW), &item), item);
    // Another checkpoint's bytes are damage.
    let other = "AAAAAAAAAAAAAAAAAAAAAA".parse().unwrap();
    assert!(to_checkpoint(other, &item).unwrap_err().is_damage());
}

/// A retry meets a function of the newer release, so it is no damage.
#[test]
fn a_newer_format_of_each_kind_is_not_damage() {
    let newer = |lines: &str, read: &dyn Fn(&Item) -> Option<StoreError>| {
        let mut item = dynamo_json(lines.lines().next().unwrap());
        item.insert("format".into(), number(2));
        item.retain(|name, _| ["pk", "sk", "format"].contains(&name.as_str()));
        assert!(matches!(read(&item), Some(StoreError::Newer { format: 2, .. })));
    };
    newer(include_str!("../../../../golden/head.jsonl"), &|item| to_head(item).err());
    newer(include_str!("../../../../golden/feed.jsonl"), &|item| to_feed(item).err());
    newer(include_str!("../../../../golden/clocks.jsonl"), &|item| CLOCKS.read(item, to_clocks).err());
    newer(include_str!("../../../../golden/counts.jsonl"), &|item| to_room_counts(item).err());
    newer(include_str!("../../../../golden/device.jsonl"), &|item| to_device_batches(item).err());
    newer(include_str!("../../../../golden/record.jsonl"), &|item| to_record(item).err());
    newer(include_str!("../../../../golden/marker.jsonl"), &|item| to_marker(item).err());
    newer(include_str!("../../../../golden/log.jsonl"), &|item| to_log(item).err());
    newer(include_str!("../../../../golden/dead_letters.jsonl"), &|item| to_dead(item).err());
    newer(include_str!("../../../../golden/branch.jsonl"), &|item| to_noted(item).err());
    newer(include_str!("../../../../golden/checkpoint.jsonl"), &|item| {
        to_checkpoint("AAAAAAAAAAAAAAAAAAAAAA".parse().unwrap(), item).err()
    });
}
