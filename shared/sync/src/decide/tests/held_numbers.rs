//! Numbered batches whose markers have expired.

use proptest::prelude::*;
use protocol::timestamp::DAY_SECS;

use super::late::{codes, days, quantity, sale, shop, stamped, taken};
use super::*;
use crate::device_batches::DeviceBatches;

/// Batch number `seq` of till-1.
fn numbered(seq: u64, records: &[serde_json::Value]) -> serde_json::Value {
    json!({"device_id": "till-1", "batch_id": "b", "device_seq": seq, "records": records})
}

/// Decides a batch whose marker is not there, and keeps what it leaves of the numbers of its device.
fn push_at(room: &mut Room, now: Timestamp, body: &serde_json::Value) -> Plan {
    let push = push(Role::Manager, body);
    room.snapshot.devices.entry(push.author().into_owned()).or_default();
    let plan = room.decide(&rules(), now, &push);
    if let Some((device, batches)) = plan.device.clone() {
        room.snapshot.devices.insert(device, DeviceBatches { revision: batches.revision + 1, ..batches });
    }
    plan
}

fn ranges(room: &Room) -> Vec<(u64, u64)> {
    let of = room.snapshot.devices.values().flat_map(|batches| &batches.ranges);
    of.map(|range| (range.first, range.last)).collect()
}

#[test]
fn a_delta_is_not_added_again_whatever_the_clock_shows() {
    let undated = |mut record: serde_json::Value| {
        record.as_object_mut().unwrap().remove("local_updated_at");
        record
    };
    // The clock was two months ahead, or the device has none.
    let hall = with(undated(stamped("halls", "h", &json!({}), NOW)), "base_version", 0);
    for (record, code) in [(taken(days(60)), "too_old"), (undated(taken(NOW)), "too_old")] {
        let mut room = shop();
        let batch = numbered(7, &[hall.clone(), based(record, 1)]);
        assert_eq!(codes(&push_at(&mut room, NOW, &batch)), ["applied"; 2]);
        assert_eq!(codes(&push_at(&mut room, days(100), &batch)), ["already_applied", code]);
        assert_eq!(quantity(&room), "9");
    }
}

#[test]
fn rows_that_were_rejected_then_do_not_make_a_batch_new() {
    let mut room = shop();
    // It was too large, or its group was undone, or the role of its user was another one.
    let bad = with(sale("a", NOW), "local_updated_at", "never");
    assert_eq!(codes(&push_at(&mut room, NOW, &numbered(7, &[bad, taken(NOW)]))), ["bad_time", "applied"]);
    let again = numbered(7, &[sale("a", NOW), taken(NOW)]);
    assert_eq!(codes(&push_at(&mut room.clone(), days(100), &again)), ["applied", "too_old"]);
    // Without a number the new row says that the batch is new.
    let unnumbered = with(again, "device_seq", json!(null));
    assert_eq!(codes(&push_at(&mut room, days(100), &unnumbered)), ["applied"; 2]);
}

#[test]
fn what_the_number_and_the_time_agree_on_needs_no_person() {
    let mut room = shop();
    let batch = numbered(7, &[taken(NOW), based(stamped("halls", "h", &json!({}), NOW), 0)]);
    push_at(&mut room, NOW, &batch);
    let again = push_at(&mut room, days(100), &batch);
    assert_eq!(codes(&again), ["outcome_unknown", "already_applied"]);
    assert!(again.changes.is_empty() && again.dead.is_empty() && again.device.is_none());
    assert_eq!(quantity(&room), "9");
    let whole = push_at(&mut room, days(100), &with(batch, "atomic", true));
    assert_eq!(codes(&whole), ["already_applied"; 2], "an atomic batch is applied as a whole");
    let with_row = numbered(8, &[sale("a", days(60)), taken(days(60))]);
    push_at(&mut room, NOW, &with_row);
    assert_eq!(codes(&push_at(&mut room, days(100), &with_row)), ["already_applied"; 2]);
}

#[test]
fn a_record_that_was_rejected_then_is_not_told_applied() {
    let mut room = shop();
    let batch = numbered(7, &[taken(NOW)]);
    assert_eq!(codes(&push_at(&mut room, days(100), &batch)), ["too_old"]);
    let again = push_at(&mut room, days(200), &batch);
    assert_eq!(codes(&again), ["outcome_unknown"]);
    assert!(again.dead.is_empty(), "its dead letter waits already");
    assert_eq!(quantity(&room), "10");
}

#[test]
fn nothing_of_a_batch_that_was_committed_is_decided_again() {
    let mut room = shop();
    let grouped = |record: serde_json::Value| with(record, "group", "sale");
    let unreadable = with(taken(NOW), "local_updated_at", "never");
    let records =
        [grouped(taken(NOW)), grouped(unreadable), based(stamped("halls", "h", &json!({}), NOW), 0)];
    let batch = numbered(7, &records);
    let first = push_at(&mut room, NOW, &batch);
    assert_eq!((codes(&first), first.dead.len()), (vec!["group_undone", "bad_time", "applied"], 2));
    let again = push_at(&mut room, days(100), &batch);
    assert_eq!(codes(&again), ["outcome_unknown", "bad_time", "already_applied"]);
    // A record that is refused in any case is kept once more rather than dropped.
    assert_eq!((again.dead.len(), again.changes.len(), quantity(&room).as_str()), (1, 0, "10"));
}

#[test]
fn what_is_gone_by_then_was_applied_if_the_whole_batch_or_a_delete_was() {
    let delete = with(based(stamped("halls", "h", &json!({}), NOW), 0), "is_deleted", true);
    for (atomic, code) in [(false, "outcome_unknown"), (true, "already_applied")] {
        let mut room = shop();
        let batch = with(numbered(7, &[delete.clone(), taken(NOW)]), "atomic", atomic);
        assert_eq!(codes(&push_at(&mut room, NOW, &batch)).last(), Some(&"applied"));
        room.snapshot.records.clear();
        assert_eq!(codes(&push_at(&mut room, days(100), &batch)), ["already_applied", code]);
    }
}

#[test]
fn a_number_that_is_not_held_changes_nothing() {
    let mut room = shop();
    push_at(&mut room, NOW, &numbered(7, &[taken(NOW)]));
    assert_eq!(codes(&push_at(&mut room, days(100), &numbered(8, &[taken(days(100))]))), ["applied"]);
    assert_eq!(codes(&push_at(&mut room, days(100), &numbered(9, &[taken(NOW)]))), ["too_old"], "as before");
    assert_eq!((quantity(&room).as_str(), ranges(&room)), ("8", vec![(7, 9)]));
}

#[test]
fn only_what_is_committed_under_an_id_is_held() {
    let mut room = shop();
    let bad = with(taken(NOW), "local_updated_at", "never");
    let atomic = with(numbered(7, &[sale("a", NOW), bad.clone()]), "atomic", true);
    assert!(push_at(&mut room, NOW, &atomic).device.is_none(), "it was not applied");
    let unnamed = with(numbered(8, &[sale("b", NOW)]), "batch_id", json!(null));
    assert!(push_at(&mut room, NOW, &unnamed).device.is_none(), "a retry could not be told");
    assert!(push_at(&mut room, NOW, &with(numbered(9, &[]), "device_seq", json!(null))).device.is_none());
    let undone = |id: &str| with(sale(id, NOW), "group", "s");
    push_at(&mut room, NOW, &numbered(10, &[undone("c"), with(bad, "group", "s")]));
    push_at(&mut room, NOW, &numbered(11, &[]));
    assert_eq!(ranges(&room), [(10, 11)], "dead letters are at the server");
}

#[test]
fn a_device_whose_numbers_cannot_be_read_goes_on() {
    let mut room = shop();
    let plan = room.push_body(&rules(), NOW, &numbered(7, &[taken(NOW)]));
    assert!(plan.device.is_none() && codes(&plan) == ["applied"]);
}

proptest! {
    /// A till from a copy of its disk counts again from where the copy was. Its batches are new ones, and
    /// none of them is lost or held up.
    #[test]
    fn a_till_that_was_put_back_for_a_while_goes_on(copied in 0..200_u64, lost in 1..15_u64) {
        let mut room = shop();
        for number in 0..=copied + lost {
            let at = days(number);
            push_at(&mut room, at, &numbered(number + 1, &[taken(at)]));
        }
        let at = days(copied + lost).plus_secs(DAY_SECS / 2);
        for number in copied..=copied + lost {
            let plan = push_at(&mut room, at, &numbered(number + 1, &[taken(at)]));
            prop_assert_eq!(codes(&plan), ["applied"]);
        }
        prop_assert!(room.snapshot.devices.values().all(|batches| batches.reused));
    }

    /// Whatever the dates say, a numbered batch counts once.
    #[test]
    fn a_numbered_batch_counts_once(shown in 0..300_u64, second in 1..400_u64, rows in 0..2_usize) {
        let mut room = shop();
        let mut records = vec![taken(days(shown))];
        records.extend((0..rows).map(|n| sale(&format!("r{n}"), days(shown))));
        let batch = numbered(7, &records);
        push_at(&mut room, NOW, &batch);
        prop_assert_eq!(quantity(&room), "9");
        // Until then, its marker answers it.
        if second > 90 {
            push_at(&mut room, days(second), &batch);
            prop_assert_eq!(quantity(&room), "9");
        }
    }
}
