//! Writes that tell no time, of clients without a clock.

use super::*;

fn undated(record: serde_json::Value) -> serde_json::Value {
    with(record, "local_updated_at", json!(null))
}

#[test]
fn an_undated_write_never_wins_over_another_devices_dated_copy() {
    for table in ["halls", "products"] {
        let write = |name: &str, second| with(write(name, second), "table_name", table);
        let mut room = Room::default();
        room.one("till-1", write("A", 10));
        room.one("till-1", based(write("B", 20), 1));
        assert_eq!(reason(&room.one("till-9", undated(write("C", 0)))), ConflictReason::NewerOnServer);
        let stale = reason(&room.one("till-9", based(undated(write("C", 0)), 1)));
        let expected =
            if table == "halls" { ConflictReason::NewerOnServer } else { ConflictReason::FieldsConflict };
        assert_eq!(stale, expected);
        assert_eq!(
            version(&room.one("till-9", based(undated(write("C", 0)), 2))),
            3,
            "a current version needs no time"
        );
        assert_eq!(version(&room.one("till-9", undated(write("D", 0)))), 4, "nor does a device's own copy");
    }
}

#[test]
fn any_dated_write_wins_over_an_undated_copy() {
    let mut room = Room::default();
    assert_eq!(version(&room.one("till-9", undated(write("A", 0)))), 1);
    assert_eq!(
        version(&room.one("till-8", undated(write("B", 0)))),
        2,
        "of undated ones the later to arrive wins"
    );
    let earliest = with(write("C", 0), "local_updated_at", "1970-01-01T00:00:00Z");
    assert_eq!(version(&room.one("till-1", based(earliest, 1))), 3);
    // It counts as just after the dated copy that it replaced.
    let mut room = Room::default();
    room.one("till-1", write("A", 10));
    room.one("till-9", based(undated(write("B", 0)), 1));
    assert_eq!(reason(&room.one("till-2", based(write("C", 9), 1))), ConflictReason::NewerOnServer);
    assert_eq!(version(&room.one("till-2", based(write("D", 11), 1))), 3);
}

#[test]
fn an_undated_write_is_repeated_without_effect_and_restores_nothing() {
    let mut room = Room::default();
    room.one("till-9", undated(write("A", 0)));
    assert!(matches!(room.one("till-9", undated(write("A", 0))), Outcome::AlreadyApplied { version: 1, .. }));
    room.one("till-1", based(delete(20), 1));
    assert_eq!(reason(&room.one("till-9", undated(write("B", 0)))), ConflictReason::DeletedOnServer);
    assert_eq!(version(&room.one("till-9", based(undated(write("B", 0)), 0))), 3);
}

/// The marker of the batch may be gone, and nothing tells how old the batch is.
#[test]
fn an_undated_delta_is_counted_only_if_it_is_proved_to_be_new() {
    let stock = |delta: &str| json!({"table_name": "product_stock", "record_id": "s", "data": {"quantity": {"$delta": delta}}});
    let mut room = Room::default();
    room.push("till-1", &[based(stock("5"), 0)]);
    let plan = room.push("till-9", &[stock("-1"), based(stock("-1"), 0)]);
    assert_eq!(code(&plan.outcomes[0]), RejectionCode::UndatedDelta);
    assert_eq!(reason(&plan.outcomes[1]), ConflictReason::AlreadyExists);
    // A current version proves it: the batch itself would have raised it.
    assert_eq!(version(&room.one("till-9", based(stock("-1"), 1))), 2);
    assert_eq!(code(&room.one("till-9", based(stock("-1"), 1))), RejectionCode::UndatedDelta);
    // So does a new append-only row, and once it is there it does not.
    let sale = json!({"table_name": "invoice_items", "record_id": "i1", "data": {"price": "9.90"}});
    let plan = room.push("till-9", &[sale.clone(), stock("-1")]);
    assert!(plan.outcomes.iter().all(Outcome::is_applied), "{:?}", plan.outcomes);
    let plan = room.push("till-9", &[sale, stock("-1")]);
    assert_eq!(code(&plan.outcomes[1]), RejectionCode::UndatedDelta);
    // And so does the time of any record of the batch.
    let plan = room.push("till-9", &[with(write("A", 0), "record_id", "p2"), stock("-1")]);
    assert!(plan.outcomes.iter().all(Outcome::is_applied), "{:?}", plan.outcomes);
}

/// All but deltas on known records is decided as new: a client without a clock goes on for years.
#[test]
fn an_undated_write_is_not_late() {
    let mut room = Room::default();
    let year_ago = Timestamp(NOW.0 - 365 * 86_400_000_000);
    room.push_at(year_ago, "till-1", false, &[based(write("A", 1), 0), based(delete(2), 1)]);
    room.snapshot.records.clear();
    let stock =
        json!({"table_name": "product_stock", "record_id": "s", "data": {"quantity": {"$delta": "-1"}}});
    let plan = room.push("till-9", &[undated(with(write("B", 0), "record_id", "p9")), stock.clone()]);
    assert!(plan.outcomes.iter().all(Outcome::is_applied), "{:?}", plan.outcomes);
    // One dated record tells the age of its batch.
    let old = with(write("C", 0), "local_updated_at", "2025-01-01T00:00:00Z");
    let plan = room.push("till-9", &[stock, with(old, "record_id", "p9")]);
    assert_eq!(code(&plan.outcomes[0]), RejectionCode::TooOld);
}

#[test]
fn a_bad_time_is_still_rejected() {
    for bad in [json!(""), json!("yesterday")] {
        assert_eq!(
            code(&Room::default().one("till-1", with(write("A", 1), "local_updated_at", bad))),
            RejectionCode::BadTime
        );
    }
}
