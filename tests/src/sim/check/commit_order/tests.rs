use functions::dynamo::item::key;
use functions::sync::items::from_marker;
use protocol::role::Role;
use protocol::stamp::Stamp;
use protocol::timestamp::Timestamp;
use serde_json::json;
use sync::marker::Marker;
use sync::push::Push;
use sync::rules::Retention;
use sync::tables::Tables;

use super::*;
use crate::sim::event_log::PushReply;
use crate::sim::release::Release;

const NOW: Timestamp = Timestamp(1_767_603_600_000_000);

fn push(number: u64, device: &str) -> (u64, PushCall) {
    let body = json!({ "device_id": device, "batch_id": "b-1", "records": [] }).to_string();
    let (room, role, release) = ("a:1".parse().unwrap(), Role::Cashier, Release::Now);
    (number, PushCall { room, role, arrived_at: NOW, now: NOW, body, release })
}

/// The marker of the batch of `device` that spans the stamps from `prev` to `stamp`.
fn marker(device: &str, prev: u64, stamp: u64) -> Item {
    let (_, PushCall { room, role, body, .. }) = push(1, device);
    let push = Push::parse(&Tables::built_in().unwrap(), role, body.as_bytes()).unwrap();
    let marker = Marker::new(push.hash, Stamp(prev), Stamp(stamp), &[]);
    let mut item = from_marker(&marker, Retention::default(), NOW);
    item.extend(key(keys::room(&room), keys::batch(&push.device, &push.batch.unwrap())));
    item
}

fn answered(log: &EventLog, call: u64, status: u16, code: &str) {
    let body = json!({ "error": { "code": code, "message": "", "request_id": "" } }).to_string();
    log.entries().replies.push(PushReply { call, status, body });
}

/// The numbers of the pushes in commit order, and the number of violations.
fn order(log: &EventLog, pushes: Vec<(u64, PushCall)>, puts: &[Item]) -> (Vec<u64>, usize) {
    let committed = in_commit_order(log, pushes, puts);
    (committed.into_iter().map(|(number, _)| number).collect(), log.entries().violations.len())
}

#[test]
fn pushes_that_are_answered_busy_may_be_committed() {
    let log = EventLog::default();
    [2, 3].into_iter().for_each(|call| answered(&log, call, 503, "busy"));
    let puts = [marker("till-0", 20, 30), marker("till-1", 10, 20)];
    assert_eq!(order(&log, vec![push(2, "till-0"), push(3, "till-1")], &puts), (vec![3, 2], 0));
}

#[test]
fn the_push_of_a_device_that_was_not_refused_is_the_committed_one() {
    for (status, code) in [(401, "token_expired"), (503, "unavailable")] {
        let log = EventLog::default();
        answered(&log, 2, status, code);
        let puts = [marker("till-0", 10, 20)];
        assert_eq!(order(&log, vec![push(2, "till-0"), push(3, "till-0")], &puts), (vec![3], 0), "{code}");
    }
}

#[test]
fn a_marker_of_no_push_is_a_violation() {
    let log = EventLog::default();
    answered(&log, 3, 401, "token_expired");
    let puts = [marker("till-0", 10, 20), marker("till-1", 20, 30)];
    assert_eq!(order(&log, vec![push(2, "till-0"), push(3, "till-1")], &puts), (vec![2], 1));
}
