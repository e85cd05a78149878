//! The policies that need no more than their name, and who may write.

use super::*;

fn record(table: &str, name: &str, second: u32) -> serde_json::Value {
    with(write(name, second), "table_name", table)
}

#[test]
fn the_first_the_last_or_nobody_wins() {
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
fn a_role_writes_only_what_it_may() {
    let rules = rules();
    let decided = |role| {
        let body = json!({"device_id": "till-1", "records": [record("settings", "A", 1)]}).to_string();
        let push = Push::parse(&rules.tables, role, body.as_bytes()).unwrap();
        decide(&rules, &Snapshot::default(), &push, NOW)
    };
    let plan = decided(Role::Cashier);
    assert!(
        matches!(&plan.outcomes[0], Outcome::Rejected(rejection) if rejection.code == RejectionCode::Forbidden)
    );
    assert_eq!((plan.dead.len(), plan.checks.len()), (1, 0), "nothing of it is read");
    assert_eq!(decided(Role::Manager).changes.len(), 1);
}
