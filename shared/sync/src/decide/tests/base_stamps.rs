//! Writes without `base_version` of batches that tell what their device had seen.

use proptest::prelude::*;
use protocol::timestamp::DAY_SECS;

use super::late::{codes, days, keeping, purge, shop, stamped};
use super::*;
use crate::limits::VERSION_AUTHORS_MAX;

/// A batch of a device that had seen the room up to `stamp`.
fn seen(device: &str, stamp: u64, records: &[serde_json::Value]) -> serde_json::Value {
    json!({"device_id": device, "batch_id": "b", "base_stamp": stamp, "records": records})
}

impl Room {
    fn head(&self) -> u64 {
        self.snapshot.stamp().0
    }

    /// Pushes one record of a device that had seen the room up to `stamp`.
    fn seen(&mut self, device: &str, stamp: u64, record: serde_json::Value) -> Outcome {
        self.push_body(&rules(), NOW, &seen(device, stamp, &[record])).outcomes.remove(0)
    }
}

fn of(table: &str, record: serde_json::Value) -> serde_json::Value {
    with(record, "table_name", table)
}

/// A write of one member of a product.
fn member(name: &str, value: impl Into<serde_json::Value>) -> serde_json::Value {
    let value: serde_json::Value = value.into();
    with(with(of("products", write("", 1)), "data", json!({ name: value })), "fields", json!([name]))
}

/// Two clients that know no versions, as WatermelonDB's: each pulls, and then pushes all that it changed with
/// the time of that pull.
#[test]
fn two_clients_without_versions_lose_no_edit_and_merge_what_does_not_overlap() {
    let mut room = Room::default();
    let new = with(of("products", write("", 1)), "data", json!({"name": "Tea", "price": 1}));
    assert_eq!(version(&room.seen("one", 0, new)), 1);
    let both = room.head();
    // Both edit offline. The clock of the second is a year behind: its edit is not lost to that.
    assert_eq!(version(&room.seen("one", both, member("price", 2))), 2);
    let name = with(member("name", "Green"), "local_updated_at", "2024-12-07T10:00:00Z");
    assert_eq!(version(&room.seen("two", both, name)), 3);
    assert_eq!(data(&room), r#"{"name":"Green","price":2}"#);
    // The first goes on without a pull: its own edit is known to it, the other member is not its concern.
    assert_eq!(version(&room.seen("one", both, member("price", 3))), 4);
    // The second has not seen a price since: a conflict, which it sees before it writes again.
    let lost = room.seen("two", both, member("price", 9));
    assert_eq!(reason(&lost), ConflictReason::FieldsConflict);
    let pulled = room.head();
    assert_eq!(version(&room.seen("two", pulled, member("price", 9))), 5);
    assert_eq!(data(&room), r#"{"name":"Green","price":9}"#);
    // A part of a write merges.
    let whole = with(member("price", 7), "data", json!({"name": "Black", "price": 7}));
    let whole = with(whole, "fields", json!(["name", "price"]));
    let Outcome::Merged { reason, server } = room.seen("one", pulled - 1, whole) else {
        panic!("not merged")
    };
    assert_eq!(
        (reason, server.data.as_str()),
        (ConflictReason::FieldsConflict, r#"{"name":"Black","price":9}"#)
    );
}

#[test]
fn what_another_device_wrote_later_is_settled_by_the_policy_and_nothing_else_is() {
    for (table, later) in [
        ("halls", None),
        ("payment_methods", Some(ConflictReason::ServerWins)),
        ("printers", None),
        ("promotions", Some(ConflictReason::Manual)),
    ] {
        let mut room = Room::default();
        room.seen("one", 0, of(table, write("A", 50)));
        let both = room.head();
        // Whatever the clocks show.
        assert_eq!(version(&room.seen("two", both, of(table, write("B", 10)))), 2, "{table}");
        assert_eq!(version(&room.seen("two", both, of(table, write("C", 5)))), 3, "{table}: its own write");
        let outcome = room.seen("one", both, of(table, write("D", 55)));
        match later {
            Some(expected) => assert_eq!(reason(&outcome), expected),
            None => assert_eq!(version(&outcome), 4, "{table}"),
        }
        let pulled = room.head();
        assert!(version(&room.seen("one", pulled, of(table, write("E", 1)))) > 3, "{table}");
    }
    let mut room = Room::default();
    room.seen("one", 0, write("A", 50));
    assert_eq!(reason(&room.seen("two", 0, write("B", 10))), ConflictReason::NewerOnServer);
}

#[test]
fn a_version_decides_where_there_is_one() {
    let mut room = Room::default();
    room.one("one", write("A", 10));
    room.one("one", write("B", 20));
    assert_eq!(version(&room.seen("two", 0, based(write("C", 1), 2))), 3);
    let pulled = room.head();
    assert_eq!(reason(&room.seen("one", pulled, based(write("D", 1), 2))), ConflictReason::NewerOnServer);
    assert_eq!(reason(&room.seen("one", pulled, based(write("E", 59), 0))), ConflictReason::AlreadyExists);
}

#[test]
fn writes_of_one_batch_are_known_to_each_other() {
    let two = [write("B", 30), write("C", 20)];
    let mut room = Room::default();
    room.one("one", write("A", 10));
    let both = room.head();
    assert_eq!(codes(&room.push_body(&rules(), NOW, &seen("two", both, &two))), ["applied"; 2]);
    // Both are later than what another device wrote, so both win.
    assert_eq!(
        codes(&room.push_body(&rules(), NOW, &seen("one", both, &[write("D", 50), write("E", 40)]))),
        ["applied"; 2]
    );
    assert_eq!(codes(&room.push_body(&rules(), NOW, &seen("two", both, &two))), ["newer_on_server"; 2]);
    let fresh = |name| with(write(name, 1), "record_id", "p2");
    assert_eq!(
        codes(&room.push_body(&rules(), NOW, &seen("two", 0, &[fresh("X"), fresh("Y")]))),
        ["applied"; 2]
    );
    // A member that both sides changed stays the server's, also in the second write of the batch.
    let mut room = Room::default();
    room.seen("one", 0, member("price", 1));
    let both = room.head();
    room.seen("one", both, member("price", 2));
    let batch = [member("price", 3), member("name", "A"), member("name", "B"), member("price", 4)];
    let plan = room.push_body(&rules(), NOW, &seen("two", both, &batch));
    assert_eq!(codes(&plan), ["fields_conflict", "applied", "applied", "fields_conflict"]);
    assert_eq!(data(&room), r#"{"price":2,"name":"B"}"#);
}

#[test]
fn a_stamp_that_the_room_has_not_reached_tells_nothing_and_holds_up_nothing() {
    for table in ["halls", "products", "payment_methods", "printers", "promotions"] {
        let mut room = Room::default();
        room.one("one", of(table, write("A", 10)));
        let beyond = room.head() + 1;
        for device in ["one", "two"] {
            let outcome = room.seen(device, beyond, of(table, write("B", 59)));
            assert_eq!(reason(&outcome), ConflictReason::UnknownVersion, "{table}");
        }
    }
    let mut room = shop();
    let beyond = room.head() + 1;
    let delta = stamped("product_stock", "s1", &json!({"quantity": {"$delta": "-1"}}), NOW);
    let sale = stamped("invoice_items", "i1", &json!({"price": "1"}), NOW);
    let batch = [delta, sale, write("A", 1), write("B", 2)];
    assert_eq!(codes(&room.push_body(&rules(), NOW, &seen("one", beyond, &batch))), ["applied"; 4]);
}

#[test]
fn a_deleted_record_comes_back_only_by_a_write_that_says_so() {
    let mut room = Room::default();
    room.one("one", write("A", 10));
    room.one("one", based(delete(20), 1));
    let pulled = room.head();
    for device in ["one", "two"] {
        assert_eq!(reason(&room.seen(device, pulled, write("B", 59))), ConflictReason::DeletedOnServer);
    }
    assert_eq!(version(&room.seen("two", pulled, based(write("B", 1), 0))), 3);
    // A deletion that another device does not know of is a conflict, one of what it has seen is not.
    assert_eq!(reason(&room.seen("one", pulled, delete(1))), ConflictReason::NewerOnServer);
    let pulled = room.head();
    assert_eq!(version(&room.seen("one", pulled, delete(1))), 4);
}

#[test]
fn a_record_that_may_have_been_forgotten_is_not_created_by_a_device_that_may_have_seen_it() {
    let mut room = Room::default();
    let hall = |id: &str, at| stamped("halls", id, &json!({"n": 1}), at);
    let push = |room: &mut Room, stamp, record| {
        let plan = room.push_body(&keeping(10), days(20), &seen("one", stamp, &[record]));
        codes(&plan)[0]
    };
    room.push_body(&keeping(10), NOW, &seen("two", 0, &[hall("h1", NOW)]));
    let old = room.head();
    assert_eq!(push(&mut room.clone(), old, hall("h2", days(20))), "applied", "nothing was ever deleted");
    let gone = with(with(hall("h1", NOW), "is_deleted", true), "data", json!(null));
    room.push_body(&keeping(10), days(1), &seen("two", old, &[gone]));
    purge(&mut room);
    assert_eq!(push(&mut room.clone(), old, hall("h1", days(20))), "too_old");
    assert_eq!(push(&mut room.clone(), old, based(hall("h1", days(20)), 0)), "applied");
    assert_eq!(push(&mut room.clone(), 0, hall("h1", days(20))), "applied", "it has never seen a record");
    let pulled = room.head();
    assert_eq!(push(&mut room.clone(), pulled, hall("h1", days(20))), "applied", "it has seen all");
    room.push_body(&keeping(10), days(19), &seen("two", 0, &[hall("h3", days(19))]));
    let pulled = room.head();
    assert_eq!(push(&mut room.clone(), pulled, hall("h1", days(20))), "applied");
    assert_eq!(push(&mut room.clone(), pulled, hall("h1", NOW)), "too_old", "the write is as old");
    // A clock that is ahead does not matter: the stamp tells what the device had seen.
    assert_eq!(push(&mut room.clone(), pulled, hall("h1", days(29))), "applied");
    assert_eq!(push(&mut room, pulled + 1, hall("h1", days(29))), "clock_ahead");
}

#[test]
fn a_replay_is_not_known_to_the_device_of_its_dead_letter() {
    let mut room = Room::default();
    room.one("one", write("A", 10));
    let both = room.head();
    let mut replay = push(Role::Manager, &seen("one", both, &[based(write("B", 20), 1)]));
    replay.batch = Some("dead:1.2.3.4".parse().unwrap());
    room.decide(&rules(), NOW, &replay);
    assert_eq!(reason(&room.seen("one", both, write("C", 15))), ConflictReason::NewerOnServer);
}

#[test]
fn a_late_batch_is_not_new_because_of_its_stamp() {
    let mut room = shop();
    let hall = |n| stamped("halls", "h", &json!({ "n": n }), NOW);
    room.push_body(&rules(), NOW, &seen("one", 0, &[hall(1)]));
    let applied = seen("one", room.head(), &[hall(2)]);
    assert_eq!(codes(&room.push_body(&rules(), NOW, &applied)), ["applied"]);
    room.push_body(&rules(), NOW.plus_secs(DAY_SECS), &seen("one", room.head(), &[hall(3)]));
    // Its marker is gone, and its device tells the stamp of now.
    let again = seen("one", room.head(), &[hall(2)]);
    assert_eq!(codes(&room.push_body(&rules(), days(100), &again)), ["too_old"]);
}

/// A step of a history: who writes which member, and whether it pulls before.
fn any_step() -> impl Strategy<Value = (usize, bool, usize, Option<u64>)> {
    (0..3_usize, any::<bool>(), 0..3_usize, prop::option::of(1..4_u64))
}

proptest! {
    /// A member that another device wrote since the stamp is never overwritten, and in a short history
    /// nothing else is a conflict. The devices know no versions, some number their batches, and one member
    /// has many writers.
    #[test]
    fn no_member_that_others_wrote_since_is_overwritten(steps in prop::collection::vec(any_step(), 1..30)) {
        let (devices, members) = (["one", "two", "three"], ["a", "b", "c"]);
        let mut room = Room::default();
        room.seen("zero", 0, with(of("products", write("", 1)), "data", json!({"a": 0, "b": 0, "c": 0})));
        let (mut positions, mut numbers) = ([room.head(); 3], [0_u64; 3]);
        let mut history: Vec<(u64, usize, usize)> = Vec::new();
        for (value, (device, pulls, name, numbered)) in (1..).zip(steps) {
            if pulls {
                positions[device] = room.head();
            }
            let position = positions[device];
            let mut body = seen(devices[device], position, &[member(members[name], value)]);
            if let Some(step) = numbered {
                numbers[device] += step;
                body["device_seq"] = numbers[device].into();
            }
            let outcome = room.push_body(&rules(), NOW, &body).outcomes.remove(0);
            let is_concurrent = history.iter().any(|(stamp, by, of)| {
                *stamp > position && *by != device && *of == name
            });
            let is_applied = matches!(outcome, Outcome::Applied { .. });
            prop_assert!(!is_applied || !is_concurrent, "{outcome:?}");
            prop_assert!(is_applied || is_concurrent || history.len() >= VERSION_AUTHORS_MAX, "{outcome:?}");
            if is_applied {
                history.push((room.head(), device, name));
            } else {
                prop_assert_eq!(reason(&outcome), ConflictReason::FieldsConflict);
            }
        }
    }

    /// A device that writes alone never conflicts with itself, however often and whatever its clock shows.
    #[test]
    fn a_device_alone_has_no_conflicts(seconds in prop::collection::vec(0..60_u32, 1..40), table in 0..5_usize) {
        let table = ["halls", "products", "payment_methods", "printers", "promotions"][table];
        let mut room = Room::default();
        for (n, second) in seconds.iter().enumerate() {
            let outcome = room.seen("one", 0, of(table, write(&format!("n{n}"), *second)));
            prop_assert_eq!(version(&outcome), n as u64 + 1);
        }
    }
}
