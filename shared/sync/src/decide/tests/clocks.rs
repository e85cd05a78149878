//! Wrong device clocks.

use super::*;

fn at(record: serde_json::Value, micros: u64) -> serde_json::Value {
    with(record, "local_updated_at", Timestamp(micros).to_string())
}

#[test]
fn a_clock_over_five_minutes_ahead_is_rejected_with_the_server_time() {
    let mut room = Room::default();
    let Outcome::Rejected(rejection) =
        room.one("till-1", at(write("A", 1), NOW.0 + CLOCK_AHEAD_MICROS_MAX + 1))
    else {
        panic!()
    };
    assert_eq!(rejection.code, RejectionCode::ClockAhead);
    assert!(rejection.message.contains(&NOW.to_string()), "{}", rejection.message);
    assert_eq!(version(&room.one("till-1", at(write("A", 1), NOW.0 + CLOCK_AHEAD_MICROS_MAX))), 1);
}

#[test]
fn a_sale_and_a_delta_are_accepted_from_a_wrong_clock() {
    let ahead = NOW.0 + 2 * CLOCK_AHEAD_MICROS_MAX;
    let sale = with(with(write("A", 1), "table_name", "invoices"), "record_id", "i1");
    let delta =
        with(with(write("", 1), "table_name", "product_stock"), "data", json!({"quantity": {"$delta": "1"}}));
    for record in [sale, delta] {
        let mut room = Room::default();
        let Outcome::Applied { flags, .. } = room.one("till-1", at(record, ahead)) else { panic!() };
        assert_eq!(flags, [Flag::ClockClamped]);
        assert_eq!(room.snapshot.records.values().next().unwrap().modified_at, NOW);
    }
}
