//! The constant policies, and write roles.

use super::*;

fn record(table: &str, name: &str, second: u32) -> serde_json::Value {
    with(write(name, second), "table_name", table)
}

#[test]
fn server_wins_client_wins_and_manual_settle_concurrent_writes() {
    for (table, expected) in [
        ("payment_methods", Some(ConflictReason::ServerWins)),
        ("promotions", Some(ConflictReason::Manual)),
        ("printers", None),
    ] {
        let mut room = Room::default();
        room.one("till-1", record(table, "A", 1));
        room.one("till-1", based(record(table, "B", 50), 1));
        let outcome = room.one("till-2", based(record(table, "C", 59), 1));
        match expected {
            Some(expected) => assert_eq!(reason(&outcome), expected),
            None => assert_eq!(version(&outcome), 3),
        }
        let earlier = room.one("till-3", record(table, "D", 2));
        assert_eq!(matches!(earlier, Outcome::Applied { .. }), expected.is_none(), "{table}: without a base");
        let current = room.snapshot.records.values().next().unwrap().version;
        assert_eq!(version(&room.one("till-2", based(record(table, "E", 3), current))), current + 1);
    }
}

#[test]
fn a_role_below_the_write_role_is_rejected() {
    let decided = |role| {
        let body = json!({"device_id": "till-1", "records": [record("settings", "A", 1)]});
        decide(&rules(), &Snapshot::default(), &push(role, &body), NOW)
    };
    let plan = decided(Role::Cashier);
    assert_eq!(code(&plan.outcomes[0]), RejectionCode::Forbidden);
    assert_eq!((plan.dead.len(), plan.checks.len()), (1, 0), "nothing of it is read");
    assert_eq!(decided(Role::Manager).changes.len(), 1);
}
