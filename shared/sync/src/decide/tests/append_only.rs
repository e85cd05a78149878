//! Append-only rows and their states.

use super::*;

fn invoice(data: &serde_json::Value) -> serde_json::Value {
    json!({"table_name": "invoices", "record_id": "i1", "data": data, "local_updated_at": "2025-12-07T10:00:00Z"})
}

#[test]
fn a_row_is_written_once_and_other_writes_become_dead_letters() {
    let mut room = Room::default();
    let row = invoice(&json!({"total": "9.90", "status": "open"}));
    assert_eq!(version(&room.one("till-1", row.clone())), 1);
    assert!(
        matches!(room.one("till-2", row.clone()), Outcome::AlreadyApplied { version: 1, .. }),
        "the same row, from any device"
    );
    let other = invoice(&json!({"total": "9.91", "status": "open"}));
    for bad in [other.clone(), based(other, 0), with(row, "is_deleted", true)] {
        let plan = room.push("till-1", &[bad]);
        assert_eq!(code(&plan.outcomes[0]), RejectionCode::AppendOnly);
        assert_eq!((plan.dead.len(), plan.dead[0].code.as_str()), (1, "append_only"));
        assert!(plan.changes.is_empty() && plan.puts.is_empty());
    }
    let nothing = with(with(invoice(&json!({})), "record_id", "i2"), "is_deleted", true);
    assert_eq!(code(&room.one("till-1", nothing)), RejectionCode::AppendOnly);
}

#[test]
fn only_its_state_moves_and_never_back() {
    let mut room = Room::default();
    room.one("till-1", invoice(&json!({"status": "open", "total": "9.90"})));
    let status = |state: &str| with(invoice(&json!({"status": state})), "fields", json!(["status"]));
    assert_eq!(version(&room.one("till-2", based(status("paid"), 9))), 2, "whatever the base");
    assert_eq!(data(&room), r#"{"status":"paid","total":"9.90"}"#);
    for back in ["open", "draft", "void", "nonsense"] {
        assert_eq!(code(&room.one("till-1", status(back))), RejectionCode::BadTransition, "{back}");
    }
    assert!(matches!(room.one("till-1", status("paid")), Outcome::AlreadyApplied { version: 2, .. }));
    let begins = with(invoice(&json!({"status": "refunded"})), "record_id", "i2");
    assert_eq!(code(&room.one("till-1", begins)), RejectionCode::BadTransition);
}

#[test]
fn a_state_moves_in_other_tables_too_and_a_replacement_without_it_keeps_it() {
    let mut room = Room::default();
    let shift = |data| {
        json!({"table_name": "shifts", "record_id": "s1", "data": data,
                              "local_updated_at": "2025-12-07T10:00:00Z"})
    };
    room.one("till-1", shift(json!({"status": "open", "by": "Ann"})));
    room.one("till-1", based(shift(json!({"by": "Bo"})), 1));
    assert_eq!(data(&room), r#"{"by":"Bo","status":"open"}"#);
    room.one("till-1", based(shift(json!({"by": "Bo", "status": "closed"})), 2));
    let reopened = based(shift(json!({"by": "Bo", "status": "open"})), 3);
    assert_eq!(code(&room.one("till-1", reopened)), RejectionCode::BadTransition);
    let gone = with(shift(json!({})), "fields", json!(["status"]));
    assert_eq!(code(&room.one("till-1", gone)), RejectionCode::BadTransition);
}

#[test]
fn a_row_is_never_too_old() {
    let mut room = Room::default();
    let old = "2024-01-01T00:00:00Z";
    let sale = with(invoice(&json!({"total": 1})), "local_updated_at", old);
    assert_eq!(version(&room.one("till-1", sale.clone())), 1);
    assert_eq!(version(&room.one("till-1", based(with(sale, "record_id", "i2"), 3))), 1, "whatever the base");
    assert_eq!(
        code(&room.one("till-1", with(write("A", 1), "local_updated_at", old))),
        RejectionCode::TooOld
    );
    assert_eq!(version(&room.one("till-1", based(with(write("A", 1), "local_updated_at", old), 0))), 1);
}
