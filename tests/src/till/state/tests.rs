use protocol::wire::push::{PushRequest, PushResponse};
use protocol::wire::socket::SyncFrame;
use serde_json::{Value, json};

use super::*;
use crate::till::queue::Split;

mod heads;
mod lost_batches;

fn page(mode: &str, id: Option<&str>, at: u64, more: bool, rows: &[(&str, u64)]) -> PullResponse {
    let change = |&(id, stamp): &(&str, u64)| {
        json!({ "table_name": "products", "record_id": id, "data": { "s": stamp }, "version": 1, "stamp": stamp,
            "server_updated_at": "2026-01-01T00:00:00.000000Z", "operation": "create", "is_deleted": false,
            "device_id": "other", "branch_id": "1" })
    };
    let changes: Vec<_> = rows.iter().map(change).collect();
    let page = json!({ "changes": changes, "has_more": more, "next_cursor": format!("c{at}"), "stamp": at,
        "mode": mode, "snapshot_id": id });
    serde_json::from_value(page).unwrap()
}

fn frame(id: &str, prev: u64, stamp: u64) -> SyncFrame {
    serde_json::from_value(json!({ "table_name": "products", "record_id": id, "operation": "create",
        "data": { "s": stamp }, "version": 1, "server_updated_at": "2026-01-01T00:00:00.000000Z",
        "stamp": stamp, "is_deleted": false, "device_id": "other", "prev": prev, "room": "1:1" }))
    .unwrap()
}

fn batch(records: usize, atomic: bool) -> PushRequest {
    let record = |i| {
        json!({ "table_name": "products", "record_id": format!("p{i}"), "data": { "mine": i },
            "local_updated_at": "2026-01-01T00:00:00Z" })
    };
    let records: Vec<_> = (0..records).map(record).collect();
    let body = json!({ "device_id": "d", "batch_id": "b", "atomic": atomic, "records": records });
    serde_json::from_value(body).unwrap()
}

/// A till that has pulled up to `at`.
fn pulled(at: u64) -> State {
    let mut state = State::default();
    state.take_page(&page("changes", None, at, false, &[]));
    state
}

fn held(state: &State) -> Vec<(&str, u64)> {
    state.rows.iter().map(|((_, id), row)| (id.as_str(), row.stamp.0)).collect()
}

/// The response to a commit from stamp `prev` to `stamp`.
fn response(prev: u64, stamp: u64, applied: &Value, conflicts: &Value) -> PushResponse {
    let time = Timestamp(stamp).to_string();
    let response = json!({ "success": true, "synced_count": 0, "errors": [], "applied": applied,
        "conflicts": conflicts, "prev": prev, "stamp": stamp, "cursor": "c", "server_time": time });
    serde_json::from_value(response).unwrap()
}

#[test]
fn a_snapshot_replaces_rows_and_its_end_removes_the_others() {
    let mut state = State::default();
    state.take_page(&page("changes", None, 90, false, &[("gone", 10), ("restored", 90)]));
    state.take_page(&page("snapshot", Some("s"), 50, true, &[("restored", 40)]));
    assert_eq!(held(&state), [("gone", 10), ("restored", 40)], "the server's row wins");
    assert_eq!(state.on_frame(&frame("live", 90, 91)).0, Follow::Drop, "the tail brings it");
    state.take_page(&page("snapshot", Some("s"), 50, true, &[("second", 45)]));
    assert_eq!(state.pull_query(), "cursor=c50", "in a snapshot only the cursor counts");
    state.take_page(&page("changes", None, 60, false, &[("tail", 60)]));
    assert_eq!(held(&state), [("restored", 40), ("second", 45), ("tail", 60)]);
    // In a young room the tail brings everything, also rows of which the till holds a later, lost copy.
    state.take_page(&page("snapshot", Some("young"), 0, true, &[]));
    state.take_page(&page("changes", None, 55, false, &[("restored", 40), ("tail", 50), ("tail", 55)]));
    assert_eq!(held(&state), [("restored", 40), ("tail", 55)]);
    state.take_page(&page("changes", None, 60, false, &[]));
    assert_eq!((state.position, state.pull_query().as_str()), (Stamp(60), "cursor=c60&since=60"));
    assert_eq!(state.on_frame(&frame("live", 60, 61)).0, Follow::Apply);
    assert_eq!(state.pull_query(), "cursor=c60&since=61", "a frame does not move the cursor");
}

#[test]
fn another_snapshot_starts_over() {
    let mut state = State::default();
    state.take_page(&page("snapshot", Some("s"), 50, true, &[("first", 40)]));
    state.take_page(&page("snapshot", Some("t"), 70, true, &[("second", 60)]));
    state.take_page(&page("changes", None, 70, false, &[]));
    assert_eq!(held(&state), [("second", 60)], "records of the first snapshot alone are gone");
}

#[test]
fn the_response_to_a_push_follows_the_rule_of_frames() {
    let response = |prev: u64, stamp: u64| {
        let applied = json!([{ "index": 0, "table_name": "products", "record_id": "p0", "version": 1,
            "server_updated_at": Timestamp(stamp).to_string(), "stamp": stamp }]);
        response(prev, stamp, &applied, &json!([]))
    };
    let mut state = pulled(0);
    state.queue.add(batch(1, false));
    assert_eq!(state.take_push(&response(0, 5)), Follow::Apply);
    assert!(state.queue.is_empty() && state.position == Stamp(5));
    assert_eq!(state.pull_query(), "cursor=c0&since=5", "a push does not move the cursor");
    state.queue.add(batch(1, false));
    assert_eq!(state.take_push(&response(7, 9)), Follow::Pull);
    // The row is known, the gap remains.
    assert_eq!((state.position, held(&state)), (Stamp(5), vec![("p0", 9)]));
    // The room was put back to 3: the till is beyond it, and nothing but a pull shows what was lost.
    state.queue.add(batch(1, false));
    assert_eq!(state.take_push(&response(3, 12)), Follow::Pull);
    assert_eq!(state.on_frame(&frame("live", 3, 13)).0, Follow::Pull);
    assert_eq!(state.position, Stamp(5));
}

#[test]
fn an_old_response_brings_back_no_record_that_has_left_its_window() {
    let repeated = |state: &mut State, prev: u64, stamp: u64| {
        let applied = json!([{ "index": 0, "table_name": "products", "record_id": "p0", "version": 1,
            "server_updated_at": Timestamp(stamp).to_string(), "stamp": stamp }]);
        state.queue.add(batch(1, false));
        state.take_push(&response(prev, stamp, &applied, &json!([])))
    };
    // The snapshot left out p0, which others have changed since stamp 5.
    let mut state = pulled(0);
    state.take_page(&page("snapshot", Some("s"), 50, false, &[("other", 40)]));
    assert_eq!(repeated(&mut state, 4, 5), Follow::Pull, "no record shows that the commit is there");
    assert_eq!(held(&state), [("other", 40)]);
    // During a snapshot its tail brings what is new, and this till's own rows are there before.
    state.take_page(&page("snapshot", Some("t"), 60, true, &[("other", 40)]));
    assert_eq!(repeated(&mut state, 4, 5), Follow::Drop);
    assert_eq!(held(&state), [("other", 40)]);
    repeated(&mut state, 69, 70);
    assert_eq!(held(&state), [("other", 40), ("p0", 70)]);
}

#[test]
fn a_till_whose_clock_is_set_back_dates_no_earlier_batch_by_it() {
    let mut state = State::default();
    let written = |state: &mut State, time: i64| {
        state.clock_shows(DeviceTime(time));
        state.queue.add(PushRequest { device_time: Some(String::new()), ..batch(1, false) });
    };
    let dated = |state: &State| -> Vec<bool> {
        let mut state = state.clone();
        state.queue.waiting_mut().map(|batch| batch.device_time.is_some()).collect()
    };
    written(&mut state, 100_000_000);
    written(&mut state, 70_000_000);
    assert_eq!(dated(&state), [true, true], "a step of 30 seconds");
    written(&mut state, 69_999_999);
    assert_eq!(dated(&state), [false, false, true]);
    written(&mut state, 90_000_000);
    assert_eq!(dated(&state), [false, false, true, true], "it counts from the time it was set to");
}

#[test]
fn a_till_that_has_never_pulled_pulls_first() {
    let mut state = State::default();
    assert_eq!(state.on_frame(&frame("live", 0, 1)).0, Follow::Pull);
    assert_eq!((state.position, state.pull_query().as_str()), (Stamp(0), "since=0"));
}

#[test]
fn batches_that_a_restored_server_lost_are_offered_again_in_order_and_unchanged() {
    let named = |name: &str, record: &str| {
        let mut batch = batch(1, false);
        batch.batch_id = Some(name.to_owned());
        batch.records[0].record_id = record.to_owned();
        batch
    };
    let mut state = pulled(0);
    for (at, (name, record)) in (1..).zip([("b1", "p0"), ("b2", "p1"), ("b3", "p1"), ("b4", "p0")]) {
        state.queue.add(named(name, record));
        let applied = json!([{ "index": 0, "table_name": "products", "record_id": record, "version": 1,
            "server_updated_at": Timestamp(at).to_string(), "stamp": at }]);
        assert_eq!(state.take_push(&response(at - 1, at, &applied, &json!([]))), Follow::Apply);
    }
    let walk = |state: &State, id: &str, rows: &[(&str, u64)]| {
        let mut state = state.clone();
        state.queue.add(named("unsent", "p9"));
        state.take_page(&page("snapshot", Some(id), 9, false, rows));
        let mut queued = Vec::new();
        while let Some(batch) = state.queue.first() {
            queued.push(batch.batch_id.clone().unwrap());
            state.queue.give_up_first("", "");
        }
        queued
    };
    assert_eq!(walk(&state, "same history", &[("p0", 4), ("p1", 3)]), ["unsent"]);
    // Another till wrote p0 later, so only p1 shows that b3 is there. b4 is offered to be sure.
    assert_eq!(walk(&state, "written later", &[("p0", 8), ("p1", 3)]), ["b4", "unsent"]);
    assert_eq!(walk(&state, "restored to 2", &[("p0", 1), ("p1", 2)]), ["b3", "b4", "unsent"]);
    assert_eq!(walk(&state, "restored to 1", &[("p0", 1)]), ["b2", "b3", "b4", "unsent"]);
    assert_eq!(walk(&state, "restored to nothing", &[]), ["b1", "b2", "b3", "b4", "unsent"]);
    // The till pushes after the restore, before it pulls. That batch says nothing about those before it, also
    // if others have pushed in between.
    for prev in [2, 6] {
        let mut beyond = state.clone();
        beyond.queue.add(named("b5", "p5"));
        let applied = json!([{ "index": 0, "table_name": "products", "record_id": "p5", "version": 1,
            "server_updated_at": Timestamp(9).to_string(), "stamp": 9 }]);
        assert_eq!(beyond.take_push(&response(prev, 9, &applied, &json!([]))), Follow::Pull);
        let rows = [("p0", 1), ("p1", 2), ("p5", 9)];
        assert_eq!(walk(&beyond, "restored to 2", &rows), ["b3", "b4", "unsent"]);
        // A pull from the log that brings the batch says that the history is the same.
        beyond.take_page(&page("changes", None, 9, false, &[("p5", 9)]));
        assert_eq!(walk(&beyond, "same history", &[("p5", 9)]), ["unsent"]);
    }
}

#[test]
fn the_batch_on_its_way_stays_first_when_a_snapshot_ends() {
    let named = |name: &str| PushRequest { batch_id: Some(name.to_owned()), ..batch(1, false) };
    let mut state = pulled(0);
    state.queue.add(named("lost"));
    let applied = json!([{ "index": 0, "table_name": "products", "record_id": "p0", "version": 1,
        "server_updated_at": Timestamp(1).to_string(), "stamp": 1 }]);
    state.take_push(&response(0, 1, &applied, &json!([])));
    state.queue.add(named("on its way"));
    state.queue.add(named("unsent"));
    assert_eq!(state.queue.send_first().unwrap().batch_id.as_deref(), Some("on its way"));
    state.take_page(&page("snapshot", Some("restored"), 0, false, &[]));
    state.take_push(&response(0, 2, &applied, &json!([])));
    assert_eq!(state.queue.first().unwrap().batch_id.as_deref(), Some("lost"));
    assert_eq!(state.queue.len(), 2);
}

#[test]
fn a_conflict_is_taken_only_if_this_commit_merged_it() {
    let conflict = |index: usize, data: Value, at: u64| {
        json!({ "index": index, "table_name": "products", "record_id": format!("p{index}"),
            "reason": "fields_conflict", "local_data": {}, "server_data": data, "local_updated_at": "x",
            "server_updated_at": Timestamp(at).to_string(), "server_version": 4 })
    };
    let response = |data: Value| {
        let conflicts = json!([conflict(0, data, 9), conflict(1, json!({ "old": 1 }), 3)]);
        response(8, 9, &json!([]), &conflicts)
    };
    let mut state = pulled(8);
    state.queue.add(batch(2, false));
    assert_eq!(state.take_push(&response(json!({ "a": 1 }))), Follow::Apply);
    assert_eq!((state.position, held(&state)), (Stamp(9), vec![("p0", 9)]));
    let mut state = pulled(8);
    state.queue.add(batch(2, false));
    // The copy did not fit into the response.
    assert_eq!(state.take_push(&response(json!(null))), Follow::Pull);
    assert_eq!(state.position, Stamp(8));
}

#[test]
fn a_batch_that_is_too_large_is_split() {
    let mut state = State::default();
    state.queue.add(batch(3, false));
    assert_eq!(state.queue.split_first(["x".into(), "y".into()]), Split::Done);
    let first = state.queue.first().unwrap();
    assert_eq!((first.batch_id.as_deref(), first.records.len()), (Some("x"), 1));
    assert_eq!(state.queue.split_first(["z".into(), "w".into()]), Split::Impossible);
    state.queue.give_up_first("batch_too_large", "no");
    let second = state.queue.first().unwrap();
    assert_eq!((second.batch_id.as_deref(), second.records.len()), (Some("y"), 2));
    assert_eq!(state.queue.errors.len(), 1);
    let mut state = State::default();
    state.queue.add(batch(3, true));
    assert_eq!(state.queue.split_first(["x".into(), "y".into()]), Split::Impossible, "it is atomic");
}
