//! Wrong device clocks.

use super::*;

const AHEAD: u64 = NOW.0 + CLOCK_AHEAD_MICROS_MAX + 1;

fn at(record: serde_json::Value, micros: u64) -> serde_json::Value {
    with(record, "local_updated_at", Timestamp(micros).to_string())
}

fn of(table: &str, record: serde_json::Value) -> serde_json::Value {
    with(record, "table_name", table)
}

/// A write of till-1 with this `device_time`.
fn corrected(room: &mut Room, device_time: &str, record: &serde_json::Value) -> Outcome {
    let body =
        json!({"device_id": "till-1", "batch_id": "b", "device_time": device_time, "records": [record]});
    room.push_body(&rules(), NOW, &body).outcomes.remove(0)
}

fn flags(outcome: &Outcome) -> &[Flag] {
    match outcome {
        Outcome::Applied { flags, .. } => flags,
        other => panic!("not applied: {other:?}"),
    }
}

fn modified_at(room: &Room) -> Timestamp {
    room.snapshot.records.values().next().unwrap().modified_at
}

#[test]
fn a_write_that_would_win_by_the_time_of_a_fast_clock_is_rejected_with_the_server_time() {
    let mut room = Room::default();
    let Outcome::Rejected(rejection) = room.one("till-1", at(write("A", 1), AHEAD)) else { panic!() };
    assert_eq!(rejection.code, RejectionCode::ClockAhead);
    assert!(rejection.message.contains(&NOW.to_string()), "{}", rejection.message);
    assert_eq!(version(&room.one("till-1", at(write("A", 1), AHEAD - 1))), 1);
    room.one("till-1", at(write("A", 1), NOW.0 - 1));
    for table in ["halls", "customers"] {
        let mut room = Room::default();
        room.one("till-2", based(of(table, write("A", 1)), 0));
        let fast = at(of(table, write("B", 1)), AHEAD);
        for record in [fast.clone(), with(with(fast, "is_deleted", true), "data", json!(null))] {
            assert_eq!(code(&room.one("till-1", record)), RejectionCode::ClockAhead, "{table}");
        }
    }
    // A stale base is settled by time too.
    let mut room = Room::default();
    room.one("till-2", based(write("A", 1), 0));
    room.one("till-2", based(write("B", 2), 1));
    assert_eq!(code(&room.one("till-1", based(at(write("C", 1), AHEAD), 1))), RejectionCode::ClockAhead);
    assert_eq!(data(&room), r#"{"name":"B"}"#);
}

#[test]
fn what_time_does_not_decide_is_accepted_from_a_fast_clock() {
    let current = |table: &str| based(at(of(table, write("B", 1)), AHEAD), 1);
    for table in ["halls", "customers", "payment_methods", "printers", "promotions"] {
        let mut room = Room::default();
        assert_eq!(
            flags(&room.one("till-1", based(at(of(table, write("A", 1)), AHEAD), 0))),
            [Flag::ClockClamped]
        );
        assert_eq!(modified_at(&room), NOW, "{table}");
        assert_eq!(flags(&room.one("till-2", current(table))), [Flag::ClockClamped], "{table}");
        let deleted = based(with(with(current(table), "is_deleted", true), "data", json!(null)), 2);
        assert_eq!(flags(&room.one("till-3", deleted)), [Flag::ClockClamped], "{table}");
        let again = based(current(table), 3);
        assert_eq!(flags(&room.one("till-2", again)), [Flag::ClockClamped], "over the tombstone of {table}");
        assert!(modified_at(&room).0 <= NOW.0 + 3);
    }
}

#[test]
fn a_fast_clock_leaves_concurrent_writes_to_the_policy() {
    for (table, expected) in [
        ("payment_methods", Some(ConflictReason::ServerWins)),
        ("promotions", Some(ConflictReason::Manual)),
        ("printers", None),
    ] {
        let mut room = Room::default();
        room.one("till-2", based(of(table, write("A", 1)), 0));
        let outcome = room.one("till-1", at(of(table, write("B", 1)), AHEAD));
        match expected {
            Some(expected) => assert_eq!(reason(&outcome), expected),
            None => assert_eq!(flags(&outcome), [Flag::ClockClamped]),
        }
    }
}

#[test]
fn a_device_with_a_fast_clock_overwrites_and_repeats_its_own_writes() {
    let mut room = Room::default();
    room.one("till-1", based(at(write("A", 1), AHEAD), 0));
    assert_eq!(flags(&room.one("till-1", at(write("B", 1), AHEAD))), [Flag::ClockClamped]);
    assert!(matches!(
        room.one("till-1", at(write("B", 1), AHEAD)),
        Outcome::AlreadyApplied { version: 2, .. }
    ));
}

#[test]
fn sales_sums_and_states_are_accepted_at_any_time_that_is_rfc_3339() {
    let delta = with(write("", 1), "data", json!({"quantity": {"$delta": "1"}}));
    let status = |to: &str| with(write("", 1), "data", json!({"status": to, "by": "Ann"}));
    let records = [
        of("invoices", with(write("A", 1), "record_id", "i1")),
        of("product_stock", delta),
        of("shifts", based(status("open"), 0)),
        of("shifts", with(status("closed"), "fields", json!(["status"]))),
    ];
    for time in ["9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z", "1970-01-01T00:00:00+03:00"] {
        for (i, record) in records.iter().enumerate() {
            let mut room = Room::default();
            if i == 1 {
                room.one(
                    "till-2",
                    of("product_stock", based(with(write("", 1), "data", json!({"quantity": 1})), 0)),
                );
            }
            if i == 3 {
                room.one("till-2", of("shifts", based(status("open"), 0)));
            }
            let outcome = room.one("till-1", with(record.clone(), "local_updated_at", time));
            assert_eq!(flags(&outcome), [Flag::ClockClamped], "{time} {record}");
        }
    }
    let mut room = Room::default();
    let year_one = with(based(write("A", 1), 0), "local_updated_at", "0001-01-01T00:00:00Z");
    room.one("till-1", year_one);
    assert_eq!(modified_at(&room), Timestamp(1));
    let outcome = room.one("till-1", with(write("B", 1), "local_updated_at", "yesterday"));
    assert_eq!(code(&outcome), RejectionCode::BadTime);
}

#[test]
fn a_set_sum_of_a_fast_clock_does_not_undo_what_others_did() {
    let stock = |data: serde_json::Value| of("product_stock", with(write("", 1), "data", data));
    let mut room = Room::default();
    room.one("till-2", based(stock(json!({"quantity": 1})), 0));
    let set = at(stock(json!({"quantity": {"$set": "5"}})), AHEAD);
    assert_eq!(code(&room.one("till-1", set.clone())), RejectionCode::ClockAhead);
    let delta = at(stock(json!({"quantity": {"$delta": "5"}})), AHEAD);
    assert_eq!(flags(&room.one("till-1", delta)), [Flag::ClockClamped]);
    assert_eq!(flags(&room.one("till-1", based(set, 2))), [Flag::ClockClamped], "time does not decide it");
    assert_eq!(data(&room), r#"{"quantity":5}"#);
}

#[test]
fn a_fast_clock_that_says_so_is_corrected() {
    let ten = 10 * 60 * 1_000_000;
    let clock = Timestamp(NOW.0 + ten).to_string();
    let mut room = Room::default();
    room.one("till-2", at(write("A", 1), NOW.0 - 5_000_000));
    let earlier = corrected(&mut room, &clock, &at(write("B", 1), NOW.0 + ten - 6_000_000));
    assert_eq!(reason(&earlier), ConflictReason::NewerOnServer);
    let later = corrected(&mut room, &clock, &at(write("C", 1), NOW.0 + ten - 4_000_000));
    assert_eq!(flags(&later), []);
    assert_eq!(modified_at(&room), Timestamp(NOW.0 - 4_000_000));
}

#[test]
fn a_slow_clock_that_says_so_loses_no_conflict_and_nothing_is_too_old() {
    let mut room = Room::default();
    room.one("till-2", at(write("A", 1), NOW.0 - 5_000_000));
    let time = "2001-01-01T00:00:00Z";
    let outcome = corrected(&mut room, time, &with(write("B", 1), "local_updated_at", time));
    assert_eq!((version(&outcome), modified_at(&room)), (2, NOW));
    let new = with(with(write("B", 1), "local_updated_at", time), "record_id", "p2");
    assert_eq!(version(&corrected(&mut room, time, &new)), 1);
}

#[test]
fn a_clock_that_was_set_back_since_one_of_the_writes_corrects_none() {
    let (set_back, minute) = (Timestamp(NOW.0 - 60_000_000), 60_000_000);
    for (later, is_corrected) in [(5 * minute, true), (5 * minute + 1, false)] {
        let mut room = Room::default();
        let other = with(at(write("B", 1), set_back.0 + later), "record_id", "p2");
        let records = [at(write("A", 1), set_back.0 - minute), other];
        let body = json!({"device_id": "till-1", "batch_id": "b", "device_time": set_back.to_string(),
                          "records": records});
        room.push_body(&rules(), NOW, &body);
        let expected = if is_corrected { NOW.0 - minute } else { set_back.0 - minute };
        assert_eq!(modified_at(&room), Timestamp(expected), "{later}");
    }
}
