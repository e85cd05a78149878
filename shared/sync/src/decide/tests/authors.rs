//! A token of no device may name any device, and counts as none that a token is bound to.

use super::late::{codes, days, sale, shop, stamped};
use super::*;
use crate::decide::commit::CommitPlan;
use crate::decide::group::Group;
use protocol::ids;

/// A push in the name of `device`, by a token of no device if `is_free`.
fn pushed(is_free: bool, device: &str, record: &serde_json::Value) -> Push {
    let body = json!({"device_id": device, "batch_id": record["local_updated_at"], "records": [record]});
    push(Role::Manager, &body).by(is_free.then_some("u1"))
}

#[test]
fn a_free_token_does_not_overwrite_newer_writes_of_the_device_that_it_names() {
    let mut room = Room::default();
    room.push("till-1", &[write("own", 5)]);
    let older = room.decide(&rules(), NOW, &pushed(true, "till-1", &write("free", 2)));
    assert!(matches!(older.outcomes[0], Outcome::Conflict { reason: ConflictReason::NewerOnServer, .. }));
    // The device itself follows its own write, whatever the time.
    let own = room.decide(&rules(), NOW, &pushed(false, "till-1", &write("again", 3)));
    assert!(own.outcomes[0].is_applied());
    // So does the free token after its own, and the device does not.
    for (is_free, second, applied) in [(true, 9, true), (true, 8, true), (false, 7, false)] {
        let plan = room.decide(&rules(), NOW, &pushed(is_free, "till-1", &write("n", second)));
        assert_eq!(plan.outcomes[0].is_applied(), applied, "{is_free} {second}");
    }
    assert_eq!(room.snapshot.records.values().next().unwrap().device.as_str(), "free:till-1");
}

#[test]
fn a_late_free_batch_is_no_replay_of_rows_of_the_device_that_it_names() {
    let mut room = shop();
    let taken = stamped("product_stock", "s1", &json!({"quantity": {"$delta": "-1"}}), NOW);
    let batch = json!({"device_id": "till-1", "batch_id": "late", "records": [sale("a", NOW), taken]});
    let batch = push(Role::Manager, &batch);
    assert_eq!(codes(&room.decide(&rules(), days(100), &batch)), ["applied"; 2]);
    // The row shows that the device's own batch was applied. Of another's it shows nothing.
    assert_eq!(codes(&room.decide(&rules(), days(200), &batch)), ["already_applied"; 2]);
    let free = room.decide(&rules(), days(200), &batch.by(Some("u1")));
    assert_eq!(codes(&free), ["already_applied", "too_old"]);
}

#[test]
fn the_device_gets_what_a_free_token_writes_in_its_name() {
    let (rules, here): (_, ids::Room) = (rules(), "1:2".parse().unwrap());
    let pushes = [pushed(true, "till-1", &write("a", 1)), pushed(false, "till-2", &write("b", 2))];
    let plan = decide(&rules, &Snapshot::default(), &pushes[0], NOW);
    let alone = CommitPlan::new(&rules.tables, &here, &pushes[0], &plan, &[]).unwrap();
    assert_eq!(alone.publications()[0].device_id.as_str(), "free:till-1");
    let mut group = Group::new(&rules, Snapshot::default(), NOW);
    assert!(pushes.iter().all(|push| group.add(push)));
    let together = group.commit(&here).unwrap().into_publications();
    let devices: Vec<_> = together.iter().map(|publication| publication.device_id.as_str()).collect();
    assert_eq!(devices, ["free:till-1", "till-2"]);
}
