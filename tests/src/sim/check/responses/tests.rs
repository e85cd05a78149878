use model::Push;
use protocol::ids::Room;
use protocol::role::Role;
use protocol::timestamp::Timestamp;
use serde_json::json;

use super::*;
use crate::sim::event_log::{Event, PushReply};
use crate::sim::release::Release;

const NOW: Timestamp = Timestamp(1_767_603_600_000_000);

/// Which call answers the batch of [`violations`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum AnsweredBy {
    /// The call that committed, which saw its commit.
    Commit,
    /// The call that committed; the response to its commit was lost, and it read again.
    CommitAfterReread,
    /// Another call with the same batch.
    Repetition,
}

fn record(name: &str, base: Option<u64>) -> serde_json::Value {
    json!({ "table_name": "settings", "record_id": "r0", "data": { "name": name },
            "local_updated_at": NOW.to_string(), "base_version": base })
}

/// The number of violations for a batch whose first record conflicts with version 2 and whose second writes
/// version 3. Its response shows the version `shown` in the conflict.
fn violations(by: AnsweredBy, shown: u64) -> usize {
    let room: Room = "a:1".parse().unwrap();
    let (log, mut run) = (EventLog::default(), ModelRun::default());
    let mut push = |name: &str, now: Timestamp, records: &[serde_json::Value]| {
        let body = json!({ "device_id": "till", "batch_id": name, "records": records }).to_string();
        let role = Role::Manager;
        let arrived_at = now;
        let push = Push { room: &room, role, body: &body, arrived_at, now, unknown: &[] };
        let prediction = run.model.push(&push).unwrap();
        (prediction, PushCall { room: room.clone(), role, arrived_at, now, body, release: Release::Now })
    };
    let later = Timestamp(NOW.0 + 1_000_000);
    push("b-0", NOW, &[record("a", Some(0)), record("b", None)]);
    let newer = record("c", None);
    let stale = json!({ "table_name": "settings", "record_id": "r0", "is_deleted": true, "base_version": 1,
                        "data": null, "local_updated_at": "2025-01-01T00:00:00Z" });
    let (prediction, call) = push("b-1", later, &[stale, newer]);
    let expected = [
        ExpectedResult::Conflict { reason: "newer_on_server".to_owned(), version: 2 },
        ExpectedResult::Applied { version: 3, stamp: prediction.stamp, flags: Vec::new() },
    ];
    assert_eq!(prediction.results, expected);

    let (prev, stamp, time) = (prediction.prev, prediction.stamp, later.to_string());
    let response = json!({
        "success": true, "synced_count": 1, "errors": [], "prev": prev, "stamp": stamp, "cursor": "",
        "server_time": time,
        "applied": [{ "index": 1, "table_name": "settings", "record_id": "r0", "version": 3,
                      "server_updated_at": time, "stamp": stamp }],
        "conflicts": [{ "index": 0, "table_name": "settings", "record_id": "r0", "reason": "newer_on_server",
                        "local_data": null, "server_data": {}, "local_updated_at": time,
                        "server_updated_at": time, "server_version": shown }] });
    log.read(1);
    log.event(Event::Committed { call: 1, puts: Vec::new(), closed: Vec::new(), images: Vec::new() });
    run.predictions.insert(1, prediction);
    if by == AnsweredBy::CommitAfterReread {
        log.read(1);
    }
    let number = if by == AnsweredBy::Repetition { 2 } else { 1 };
    log.entries().calls.insert(number, call);
    log.entries().replies.push(PushReply { call: number, status: 200, body: response.to_string() });
    check(&run, &log);
    log.entries().violations.len()
}

#[test]
fn a_call_that_saw_its_commit_answers_with_the_copy_it_decided_by() {
    assert_eq!([1, 2, 3, 4].map(|shown| violations(AnsweredBy::Commit, shown)), [1, 0, 1, 1]);
}

#[test]
fn a_response_from_the_marker_shows_the_batchs_version_or_a_later_one() {
    for by in [AnsweredBy::CommitAfterReread, AnsweredBy::Repetition] {
        assert_eq!([1, 2, 3, 4].map(|shown| violations(by, shown)), [1, 1, 0, 0], "{by:?}");
    }
}
