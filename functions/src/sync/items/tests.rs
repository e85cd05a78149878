mod golden;

use std::collections::BTreeSet;

use protocol::json::JsonText;
use sync::batch_hash::BatchHash;
use sync::counts::RoomCounts;
use sync::cursor::checkpoint::Checkpoint;
use sync::cursor::vector::{BranchPosition, Tag};
use sync::device_batches::DeviceBatches;
use sync::marker::Marker;
use sync::shortest_retention::ShortestRetention;
use sync::table_stamps::TableStamps;
use sync::version_authors::VersionAuthors;

use super::counts::{COUNTS, from_room_counts, to_room_counts};
use super::device_batches::{DEVICE, from_device_batches, to_device_batches};
use super::head_office::{BRANCH, CHECKPOINT, NOTED, from_checkpoint, to_checkpoint, to_noted};
use super::*;

#[test]
fn every_item_reads_back() {
    let device = || "till-1".parse().unwrap();
    let live = BTreeMap::from([("products".to_owned(), 3)]);
    let reading = ClockReading { skew_millis: -7, at: Timestamp(3) };
    let clocks: Clocks = [(device(), reading)].into_iter().collect();
    assert_eq!(to_clocks(&item([("clocks", from_clocks(&clocks))])).unwrap(), clocks);
    let keep = Retention::default();
    let new = ShortestRetention { is_stored: true, ..ShortestRetention::of(None, keep, Stamp(3)) };
    let tombstone = ShortestRetention { first_tombstone: Some(Stamp(4)), ..new };
    let last = BTreeMap::from([("products".to_owned(), Stamp(8))]);
    let stamps = Some(TableStamps { as_of: Stamp(9), others: Stamp(4), last });
    let head = Head { stamp: Stamp(9), changes: 5, log_items: 2, live, ..Head::default() };
    for (shortest_retention, table_stamps) in [(None, None), (Some(new), stamps), (Some(tombstone), None)] {
        let head = Head { shortest_retention, table_stamps, ..head.clone() };
        assert_eq!(to_head(&from_head(&head)).unwrap(), head);
    }

    let data = JsonText::from_text(r#"{"price": 1.10}"#.into()).unwrap();
    let record = Record {
        data,
        version: 2,
        stamp: Stamp(9),
        modified_at: Timestamp(8),
        device: device(),
        deleted: true,
        fields: FieldVersions { since: 1, changed: BTreeMap::from([("price".to_owned(), 2)]) },
        authors: VersionAuthors::parse("2.9f86d081884c7d65.5c"),
    };
    let tombstone = from_record(&record, keep, Timestamp(0));
    assert_eq!(to_record(&tombstone).unwrap(), record);
    assert_eq!(as_number(&tombstone["ttl"]), Some(keep.tombstone_secs()));
    let live = Record { deleted: false, fields: FieldVersions::default(), ..record };
    assert_eq!(to_record(&from_record(&live, keep, Timestamp(0))).unwrap(), live);
    assert!(!from_record(&live, keep, Timestamp(0)).contains_key("ttl"));

    let hash = BatchHash { sent: [7; 32], meaning: None };
    let bound = Marker { hash, prev: Stamp(1), stamp: Stamp(2), codes: "a1".into(), user: None };
    let free = Marker { user: Some("u1".into()), ..bound.clone() };
    let compared = Marker { hash: BatchHash { meaning: Some([8; 32]), ..hash }, ..bound.clone() };
    for marker in [bound, free, compared] {
        assert_eq!(to_marker(&from_marker(&marker, keep, Timestamp(0))).unwrap(), marker);
    }

    let log = LogItem {
        prev: Stamp(1),
        first: Stamp(2),
        last: Stamp(3),
        total: 4,
        device: device(),
        tables: None,
        body: vec![1, 2],
    };
    for tables in [None, Some(["halls", "products"].map(str::to_owned).into())] {
        let log = LogItem { tables, ..log.clone() };
        let mut item = from_log(log.clone(), keep, Timestamp(0));
        item.insert("sk".into(), text("0000000000000003"));
        assert_eq!(to_log(&item).unwrap(), log);
    }

    let position = BranchPosition::Position(Stamp(9));
    let (checkpoint, bytes) = Checkpoint::new([(Tag::of(&"2".parse().unwrap()), position)].into());
    let item = from_checkpoint(bytes, keep, Timestamp(0));
    assert_eq!(to_checkpoint(checkpoint.id, &item).unwrap(), (checkpoint, keep.marker_secs()));
}

#[test]
fn a_commit_sets_the_members_of_a_stored_retention_one_by_one() {
    let new = ShortestRetention::of(None, Retention::default(), Stamp(3));
    let names = |shortest_retention| {
        let head = Head { stamp: Stamp(9), shortest_retention: Some(shortest_retention), ..Head::default() };
        head_update(&head).into_keys().filter(|name| name.starts_with("short")).collect::<BTreeSet<_>>()
    };
    assert_eq!(names(new), ["shortest_retention".to_owned()].into());
    let members = ["tombstone_secs", "marker_secs", "first_commit", "as_of"];
    let members = members.map(|member| format!("shortest_retention.{member}"));
    assert_eq!(names(ShortestRetention { is_stored: true, ..new }), members.into());
}

#[test]
fn a_damaged_item_names_what_is_wrong() {
    let mut item = from_head(&Head::default());
    item.insert("stamp".into(), text("soon"));
    assert!(matches!(to_head(&item), Err(StoreError::Corrupt("stamp"))));
}

#[test]
fn a_damaged_count_of_changes_gives_out_no_version_again_and_damaged_retention_counts_as_unknown() {
    let head = Head { stamp: Stamp(1_765_103_401_000_124), changes: 5, ..Head::default() };
    let mut item = from_head(&head);
    item.insert("changes".into(), text("many"));
    item.insert("shortest_retention".into(), text("all"));
    item.insert("table_stamps".into(), text("none"));
    let read = to_head(&item).unwrap();
    assert_eq!((read.changes, read.shortest_retention, read.table_stamps), (head.stamp.0, None, None));
}
