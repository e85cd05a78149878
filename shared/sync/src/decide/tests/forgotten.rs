//! Deletions that a room has forgotten.

use super::late::{codes, days, keeping, purge, sale, shop, stamped};
use super::*;

#[test]
fn a_longer_retention_does_not_bring_back_what_a_shorter_one_forgot() {
    let mut room = Room::default();
    let hall = |n: u32, at| stamped("halls", "h", &json!({"n": n}), at);
    room.push_body(&keeping(30), NOW, &json!({"device_id": "till-1", "records": [hall(1, NOW)]}));
    let delete = with(based(hall(1, days(1)), 1), "is_deleted", true);
    room.push_body(&keeping(30), days(1), &json!({"device_id": "till-1", "records": [delete]}));
    purge(&mut room);
    let old = json!({"device_id": "till-1", "records": [hall(2, NOW)]});
    assert_eq!(codes(&room.push_body(&keeping(365), days(40), &old)), ["too_old"]);
    // The room remembers its shortest retention after commits under the longer one.
    let other = with(hall(1, days(40)), "record_id", "other");
    room.push_body(&keeping(365), days(40), &json!({"device_id": "till-1", "records": [other]}));
    assert_eq!(codes(&room.push_body(&keeping(365), days(41), &old)), ["too_old"]);
}

#[test]
fn a_record_that_was_forgotten_starts_above_every_version_of_its_room() {
    let mut room = Room::default();
    for n in 0..5 {
        room.push_at(NOW, "till-1", false, &[based(stamped("customers", "c", &json!({"n": n}), NOW), n)]);
    }
    let delete = with(based(stamped("customers", "c", &json!(null), days(1)), 5), "is_deleted", true);
    room.push_at(days(1), "till-2", false, &[delete]);
    // As long as no tombstone can be forgotten, records start at 1.
    let other = |id: &str, at| based(stamped("customers", id, &json!({"n": 9}), at), 0);
    assert_eq!(version(&room.push_at(days(90), "till-2", false, &[other("d", days(90))]).outcomes[0]), 1);
    purge(&mut room);
    let create = [other("c", days(95)), based(other("c", days(95)), 1), other("e", days(95))];
    let plan = room.push_at(days(95), "till-2", false, &create);
    assert_eq!(plan.outcomes.iter().map(version).collect::<Vec<_>>(), [8, 9, 10]);
    let edit = |n: u32| based(with(other("f", days(95)), "data", json!({"n": n})), 1);
    let create = [other("f", days(95)), edit(3), edit(4)];
    let outcomes = room.push_at(days(95), "till-2", false, &create).outcomes;
    assert_eq!((version(&outcomes[0]), version(&outcomes[1])), (11, 12));
    assert_eq!(reason(&outcomes[2]), ConflictReason::FieldsConflict, "a till that counts from 1 is at 2");
    for base in 1..=7 {
        let stale = based(with(other("c", days(96)), "data", json!({"n": 5})), base);
        let outcome = room.push_at(days(96), "till-1", false, &[stale]).outcomes.remove(0);
        assert_eq!(reason(&outcome), ConflictReason::FieldsConflict, "{base}");
    }
    let row = sale("a", days(96));
    assert_eq!(version(&room.push_at(days(96), "till-1", false, &[row]).outcomes[0]), 1, "rows never go");
}

#[test]
fn a_room_from_before_starts_new_records_above_all_its_versions() {
    let mut room = shop();
    let head = room.snapshot.head.as_mut().unwrap();
    (head.changes, head.shortest_retention) = (7, None);
    let write = |table: &str, base| based(stamped(table, "h", &json!({"b": base}), days(1)), base);
    // Also in a young room, since nothing says how old it is.
    assert_eq!(version(&room.push_at(days(1), "till-1", false, &[write("halls", 0)]).outcomes[0]), 8);
    assert_eq!(version(&room.push_at(days(1), "till-1", false, &[write("halls", 8)]).outcomes[0]), 9);
    // A till that counts for itself in a later batch is told so.
    room.push_at(days(1), "till-1", false, &[write("customers", 0)]);
    let counted = room.push_at(days(1), "till-1", false, &[write("customers", 1)]).outcomes.remove(0);
    assert_eq!(reason(&counted), ConflictReason::FieldsConflict);
}
