//! Edits of a record that a device made before an earlier one was acknowledged.

use super::*;

/// A write of these members of a record of `table`.
fn edit(table: &str, data: serde_json::Value, base: u64, second: u32) -> serde_json::Value {
    let names: Vec<String> = data.as_object().unwrap().keys().cloned().collect();
    let record = with(with(based(write("", second), base), "table_name", table), "data", data);
    with(record, "fields", names)
}

impl Room {
    /// Pushes one record of a numbered batch.
    fn numbered(&mut self, device: &str, seq: u64, record: &serde_json::Value) -> Outcome {
        let body = json!({"device_id": device, "batch_id": "b", "device_seq": seq, "records": [record]});
        self.push_body(&rules(), NOW, &body).outcomes.remove(0)
    }

    /// The room with version 1 of a record of `table` by another device.
    fn with_record(table: &str) -> Room {
        let mut room = Room::default();
        let record =
            with(with(write("", 1), "table_name", table), "data", json!({"name": "Tea", "price": 1}));
        room.numbered("till-9", 1, &record);
        room
    }
}

#[test]
fn a_second_edit_from_the_same_version_conflicts_with_the_first_one_unless_batches_are_numbered() {
    for table in ["products", "payment_methods", "promotions"] {
        let price = |price: u32, second| edit(table, json!({ "price": price }), 1, second);
        let mut room = Room::with_record(table);
        room.one("till-1", price(2, 10));
        assert!(
            matches!(room.one("till-1", price(3, 20)), Outcome::Conflict { .. }),
            "{table}: without numbers"
        );
        let mut room = Room::with_record(table);
        for (seq, value) in [(4, 2), (5, 3), (9, 4)] {
            // Although the till's clock was set back since.
            let outcome = room.numbered("till-1", seq, &price(value, 50 - value));
            assert_eq!(version(&outcome), u64::from(value), "{table}");
        }
        assert_eq!(data(&room), r#"{"name":"Tea","price":4}"#);
    }
}

#[test]
fn what_another_device_wrote_in_between_is_still_a_conflict() {
    let price = |price: u32, base| edit("products", json!({ "price": price }), base, 10);
    let mut room = Room::with_record("products");
    room.numbered("till-1", 4, &price(2, 1));
    // Another member: only the price is the device's own.
    room.numbered("till-2", 1, &edit("products", json!({"name": "Green"}), 2, 11));
    assert_eq!(version(&room.numbered("till-1", 5, &price(3, 1))), 4);
    assert_eq!(data(&room), r#"{"name":"Green","price":3}"#);
    let both = edit("products", json!({"name": "Black", "price": 4}), 1, 12);
    let Outcome::Merged { reason, server } = room.numbered("till-1", 6, &both) else { panic!("not merged") };
    assert_eq!(
        (reason, server.data.as_str()),
        (ConflictReason::FieldsConflict, r#"{"name":"Green","price":4}"#)
    );
    room.numbered("till-2", 2, &price(9, 5));
    assert_eq!(reason_of(&room.numbered("till-1", 7, &price(5, 1))), ConflictReason::FieldsConflict);
    // Where a write is taken whole, one version of another device is enough.
    let mut room = Room::with_record("promotions");
    let price = |price: u32| edit("promotions", json!({ "price": price }), 1, 10);
    room.numbered("till-1", 4, &price(2));
    room.numbered("till-2", 1, &edit("promotions", json!({"name": "X"}), 2, 11));
    assert_eq!(reason_of(&room.numbered("till-1", 5, &price(3))), ConflictReason::Manual);
}

fn reason_of(outcome: &Outcome) -> ConflictReason {
    match outcome {
        Outcome::Merged { reason, .. } => *reason,
        other => reason(other),
    }
}

#[test]
fn only_earlier_batches_of_the_same_device_count_as_known() {
    let price = |price: u32| edit("products", json!({ "price": price }), 1, 10);
    for (device, seq) in [("till-1", 4), ("till-1", 3), ("till-2", 5), ("till-1", 4 + 10_001)] {
        let mut room = Room::with_record("products");
        room.numbered("till-1", 4, &price(2));
        assert_eq!(
            reason(&room.numbered(device, seq, &price(3))),
            ConflictReason::FieldsConflict,
            "{device} {seq}"
        );
    }
}

#[test]
fn a_record_is_edited_before_its_creation_is_acknowledged() {
    let mut room = Room::default();
    let product = |name: &str| with(based(write(name, 10), 0), "table_name", "products");
    assert_eq!(version(&room.numbered("till-1", 4, &product("A"))), 1);
    assert_eq!(version(&room.numbered("till-1", 5, &product("B"))), 2);
    assert_eq!(reason(&room.numbered("till-2", 1, &product("C"))), ConflictReason::AlreadyExists);
    assert_eq!(reason(&room.one("till-1", product("C"))), ConflictReason::AlreadyExists, "no number");
    // A deletion by the device itself as well.
    let gone = with(with(product(""), "is_deleted", true), "data", json!(null));
    assert_eq!(version(&room.numbered("till-1", 6, &gone)), 3);
}

#[test]
fn a_repeated_edit_is_recognised_although_its_base_is_older() {
    for table in ["products", "halls"] {
        let name = |name: &str, second| edit(table, json!({ "name": name }), 1, second);
        let mut room = Room::with_record(table);
        room.numbered("till-1", 4, &name("A", 10));
        let last = name("B", 9);
        assert_eq!(version(&room.numbered("till-1", 5, &last)), 3);
        let again = room.numbered("till-1", 5, &last);
        assert!(matches!(again, Outcome::AlreadyApplied { version: 3, .. }), "{table}: {again:?}");
    }
}
