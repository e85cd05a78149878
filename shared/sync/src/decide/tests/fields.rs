//! Field-merge.

use super::*;
use crate::tables::Tables;

fn product(data: &serde_json::Value, second: u32) -> serde_json::Value {
    with(with(write("", second), "table_name", "products"), "data", data.clone())
}

/// Tea at version 2: till-1 changed the price since version 1.
fn tea() -> Room {
    let mut room = Room::default();
    room.one("till-1", product(&json!({"name": "Tea", "price": 1, "shelf": "A"}), 1));
    let price = with(based(product(&json!({"price": 2}), 30), 1), "fields", json!(["price"]));
    assert_eq!(version(&room.one("till-1", price)), 2);
    room
}

#[test]
fn members_changed_on_one_side_merge() {
    let mut room = tea();
    let name = with(based(product(&json!({"name": "Green tea"}), 2), 1), "fields", json!(["name"]));
    let merged = room.one("till-2", name);
    assert_eq!((version(&merged), stored(&merged)), (3, r#"{"name":"Green tea","price":2,"shelf":"A"}"#));
}

#[test]
fn members_changed_on_both_sides_conflict_and_the_others_still_merge() {
    let mut room = tea();
    let both =
        with(based(product(&json!({"price": 3, "shelf": "B"}), 59), 1), "fields", json!(["price", "shelf"]));
    let Outcome::Merged { reason: why, server } = room.one("till-2", both) else { panic!() };
    assert_eq!((why, server.version), (ConflictReason::FieldsConflict, 3));
    assert_eq!(server.data.as_str(), r#"{"name":"Tea","price":2,"shelf":"B"}"#);
    let price = with(based(product(&json!({"price": 3}), 59), 1), "fields", json!(["price"]));
    assert_eq!(reason(&room.one("till-2", price)), ConflictReason::FieldsConflict);
    assert_eq!(room.snapshot.records.values().next().unwrap().version, 3, "nothing to store");
}

#[test]
fn a_whole_record_from_an_old_base_merges_what_it_changed() {
    let mut room = tea();
    let whole = based(product(&json!({"name": "Tea", "price": 2, "shelf": "C"}), 2), 1);
    assert_eq!(version(&room.one("till-2", whole)), 3, "its price equals the server's");
    assert_eq!(data(&room), r#"{"name":"Tea","price":2,"shelf":"C"}"#);
    let gone = based(product(&json!({"price": 2, "shelf": "C"}), 2), 3);
    room.one("till-1", gone);
    assert_eq!(data(&room), r#"{"price":2,"shelf":"C"}"#);
}

#[test]
fn a_delete_of_what_has_changed_conflicts() {
    let mut room = tea();
    let delete = with(delete(59), "table_name", "products");
    assert_eq!(reason(&room.one("till-2", based(delete.clone(), 1))), ConflictReason::FieldsConflict);
    assert_eq!(version(&room.one("till-2", based(delete, 2))), 3);
    room.one("till-1", based(product(&json!({"name": "New"}), 5), 0));
    let old = with(based(product(&json!({"name": "Old"}), 59), 2), "fields", json!(["name"]));
    assert_eq!(reason(&room.one("till-2", old)), ConflictReason::FieldsConflict, "recreated since");
}

#[test]
fn without_a_base_the_later_write_wins_whole() {
    let mut room = tea();
    assert_eq!(reason(&room.one("till-2", product(&json!({"name": "X"}), 2))), ConflictReason::NewerOnServer);
    assert_eq!(version(&room.one("till-2", product(&json!({"name": "X"}), 40))), 3);
    assert_eq!(data(&room), r#"{"name":"X"}"#);
}

#[test]
fn a_member_may_have_a_rule_of_its_own() {
    let text = "[products]\npolicy = \"field-merge\"\n[products.fields.price]\npolicy = \"last-writer-wins\"\n\
                [products.fields.note]\npolicy = \"client-wins\"\n[products.fields.vat]\npolicy = \"server-wins\"\n";
    let rules = SyncRules { tables: Tables::parse(text).unwrap(), ..rules() };
    let mut snapshot = Snapshot::default();
    let mut push = |device: &str, second, base: u64, value: u32| {
        let data = json!({"price": value, "note": value, "vat": value});
        let body = json!({"device_id": device, "records": [based(product(&data, second), base)]}).to_string();
        let push = Push::parse(&rules.tables, Role::Cashier, body.as_bytes()).unwrap();
        let mut plan = decide(&rules, &snapshot, &push, NOW);
        snapshot.records.extend(plan.puts.iter().map(|put| (put.key.clone(), put.record.clone())));
        snapshot.head = Some(plan.head.clone());
        plan.outcomes.remove(0)
    };
    push("till-1", 1, 0, 1);
    push("till-1", 30, 1, 2);
    assert_eq!(version(&push("till-2", 20, 1, 3)), 3, "settled without a conflict");
    assert_eq!(version(&push("till-2", 40, 1, 4)), 4);
    let record = snapshot.records.values().next().unwrap();
    assert_eq!(record.data.as_str(), r#"{"note":4,"price":4,"vat":2}"#);
}
