//! Deltas: exact, applied once, independent of the rest of the record.

use super::*;

/// A write of the stock of tea.
fn stock(data: &serde_json::Value) -> serde_json::Value {
    json!({"table_name": "product_stock", "record_id": "tea", "data": data,
           "local_updated_at": "2025-12-07T10:00:00Z"})
}

fn taken(delta: &str) -> serde_json::Value {
    stock(&json!({"quantity": {"$delta": delta}}))
}

#[test]
fn deltas_add_up_regardless_of_base_and_clock() {
    let mut room = Room::default();
    assert_eq!(version(&room.one("till-1", taken("0.1"))), 1);
    assert_eq!(version(&room.one("till-2", based(taken("0.2"), 7))), 2);
    assert_eq!(data(&room), r#"{"quantity":0.3}"#);
    let late = with(taken("-0.30"), "local_updated_at", "2025-12-01T00:00:00Z");
    let Outcome::Applied { stored: Some(stored), flags, .. } = room.one("till-1", late) else { panic!() };
    assert_eq!((stored.as_str(), flags), (r#"{"quantity":0.00}"#, vec![]));
}

#[test]
fn text_stays_text_and_large_numbers_stay_exact() {
    let mut room = Room::default();
    room.one("till-1", stock(&json!({"quantity": "9007199254740992"})));
    room.one("till-2", taken("1"));
    assert_eq!(data(&room), r#"{"quantity":"9007199254740993"}"#);
}

#[test]
fn a_plain_value_never_sets_a_sum() {
    let mut room = Room::default();
    room.one("till-1", stock(&json!({"quantity": 10, "shelf": "A"})));
    let moved = based(stock(&json!({"quantity": 99, "shelf": "B"})), 1);
    assert_eq!(stored(&room.one("till-2", moved)), r#"{"quantity":10,"shelf":"B"}"#);
    let without = based(stock(&json!({"shelf": "C"})), 2);
    room.one("till-2", without);
    assert_eq!(data(&room), r#"{"shelf":"C","quantity":10}"#);
    let insists = with(stock(&json!({"quantity": 99})), "fields", json!(["quantity"]));
    assert_eq!(code(&room.one("till-2", insists)), RejectionCode::DeltaRequired);
}

#[test]
fn a_delta_is_applied_although_the_rest_conflicts() {
    let mut room = Room::default();
    room.one("till-1", stock(&json!({"quantity": 10, "shelf": "A"})));
    room.one(
        "till-1",
        with(based(stock(&json!({"shelf": "B"})), 1), "local_updated_at", "2025-12-07T10:20:00Z"),
    );
    let both = based(stock(&json!({"quantity": {"$delta": "-2"}, "shelf": "C"})), 1);
    let Outcome::Merged { reason, server } = room.one("till-2", both.clone()) else { panic!() };
    assert_eq!((reason, server.version), (ConflictReason::NewerOnServer, 3));
    assert_eq!(server.data.as_str(), r#"{"shelf":"B","quantity":8}"#);
    let plan = room.push_at(NOW, "till-3", true, &[both]);
    assert!(plan.changes.is_empty(), "atomic: nothing of it");
    assert!(
        matches!(&plan.outcomes[0], Outcome::Conflict { server: Some(server), .. } if server.version == 3)
    );
}

#[test]
fn a_sum_below_its_floor_is_flagged_and_stored() {
    let mut room = Room::default();
    room.one("till-1", taken("1"));
    let Outcome::Applied { flags, .. } = room.one("till-2", taken("-3")) else { panic!() };
    assert_eq!((flags, data(&room)), (vec![Flag::BelowFloor], r#"{"quantity":-2}"#));
}

#[test]
fn a_malformed_delta_is_rejected() {
    let mut room = Room::default();
    room.one("till-1", taken("1"));
    for bad in [
        json!({"$delta": 1}),
        json!({"$delta": "1e3"}),
        json!({"$delta": "x"}),
        json!({"$delta": "1", "n": 1}),
    ] {
        assert_eq!(
            code(&room.one("till-1", stock(&json!({"quantity": bad})))),
            RejectionCode::BadDelta,
            "{bad}"
        );
    }
    let elsewhere = with(write("", 1), "data", json!({"n": {"$delta": "1"}}));
    assert_eq!(code(&room.one("till-1", elsewhere)), RejectionCode::BadDelta);
    let too_large = taken(&"9".repeat(18));
    assert_eq!(code(&room.one("till-1", too_large)), RejectionCode::BadDelta);
    assert_eq!(data(&room), r#"{"quantity":1}"#);
}

#[test]
fn a_delta_needs_a_batch_id() {
    let push = push(Role::Cashier, &json!({"device_id": "till-1", "records": [taken("1")]}));
    let plan = decide(&rules(), &Snapshot::default(), &push, NOW);
    assert_eq!(code(&plan.outcomes[0]), RejectionCode::DeltaNeedsBatch);
    assert_eq!(plan.dead.len(), 1);
}

#[test]
fn a_delta_does_not_change_the_time_of_the_rest() {
    let mut room = Room::default();
    room.one("till-1", stock(&json!({"quantity": 1, "shelf": "A"})));
    room.one("till-2", with(taken("1"), "local_updated_at", "2025-12-07T10:20:00Z"));
    let moved = with(stock(&json!({"shelf": "B"})), "fields", json!(["shelf"]));
    let moved = with(moved, "local_updated_at", "2025-12-07T10:10:00Z");
    assert_eq!(version(&room.one("till-3", moved)), 3, "later than what it changes");
    assert_eq!(data(&room), r#"{"quantity":2,"shelf":"B"}"#);
}
