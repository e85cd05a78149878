use protocol::ids::Room;
use protocol::role::Role;
use protocol::timestamp::Timestamp;
use serde_json::json;

use super::*;
use crate::sim::journal::Event;
use crate::sim::model::Pushed;

const NOW: Timestamp = Timestamp(1_767_603_600_000_000);

/// How the batch of [`findings`] comes to its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Given {
    /// The call hears of its commit.
    Heard,
    /// It does not, and reads again.
    Unheard,
    /// Another call brings the batch again.
    Again,
}

fn record(name: &str, base: Option<u64>) -> serde_json::Value {
    json!({ "table_name": "settings", "record_id": "r0", "data": { "name": name },
            "local_updated_at": NOW.to_string(), "base_version": base })
}

/// What is found if a batch that loses its first record against version 2, and writes version 3 with its second, is
/// answered with the copy `shown`.
fn findings(given: Given, shown: u64) -> usize {
    let room: Room = "a:1".parse().unwrap();
    let (journal, mut replay) = (Journal::default(), Replay::default());
    let mut push = |name: &str, now: Timestamp, records: &[serde_json::Value]| {
        let body = json!({ "device_id": "till", "batch_id": name, "records": records }).to_string();
        let role = Role::Manager;
        let prediction = replay.model.push(&Pushed { room: &room, role, body: &body, now }).unwrap();
        (prediction, Call { room: room.clone(), role, now, body })
    };
    let later = Timestamp(NOW.0 + 1_000_000);
    push("b-0", NOW, &[record("a", Some(0)), record("b", None)]);
    let newer = record("c", None);
    let stale = json!({ "table_name": "settings", "record_id": "r0", "is_deleted": true, "base_version": 1,
                        "data": null, "local_updated_at": "2025-01-01T00:00:00Z" });
    let (prediction, call) = push("b-1", later, &[stale, newer]);
    let wanted = [
        Told::Conflict { reason: "newer_on_server", version: 2 },
        Told::Applied { version: 3, stamp: prediction.stamp, flags: Vec::new() },
    ];
    assert_eq!(prediction.told, wanted);

    let (prev, stamp, time) = (prediction.prev, prediction.stamp, later.to_string());
    let answer = json!({
        "success": true, "synced_count": 1, "errors": [], "prev": prev, "stamp": stamp, "cursor": "",
        "server_time": time,
        "applied": [{ "index": 1, "table_name": "settings", "record_id": "r0", "version": 3,
                      "server_updated_at": time, "stamp": stamp }],
        "conflicts": [{ "index": 0, "table_name": "settings", "record_id": "r0", "reason": "newer_on_server",
                        "local_data": null, "server_data": {}, "local_updated_at": time,
                        "server_updated_at": time, "server_version": shown }] });
    journal.read(1);
    journal.event(Event::Committed { call: 1, puts: Vec::new(), deletes: Vec::new() });
    replay.predictions.insert(1, prediction);
    if given == Given::Unheard {
        journal.read(1);
    }
    let number = if given == Given::Again { 2 } else { 1 };
    journal.called(number, call);
    journal.answered(Answered { call: number, status: 200, body: answer.to_string() });
    check(&replay, &journal);
    journal.findings().len()
}

#[test]
fn who_hears_of_a_commit_answers_with_the_copy_that_it_decided_by() {
    assert_eq!([1, 2, 3, 4].map(|shown| findings(Given::Heard, shown)), [1, 0, 1, 1]);
}

#[test]
fn an_answer_from_the_marker_shows_what_the_batch_made_or_what_came_after() {
    for given in [Given::Unheard, Given::Again] {
        assert_eq!([1, 2, 3, 4].map(|shown| findings(given, shown)), [1, 1, 0, 0], "{given:?}");
    }
}
