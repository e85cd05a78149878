use protocol::wire::push::{PushRequest, PushResponse};
use serde_json::{Value, json};

use super::*;
use crate::till::queue::Split;

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
        "stamp": stamp, "prev": prev, "room": "1:1" }))
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
    assert_eq!(state.cursor(), "c50", "the page says where to continue");
    state.take_page(&page("changes", None, 60, false, &[("tail", 60)]));
    assert_eq!(held(&state), [("restored", 40), ("second", 45), ("tail", 60)]);
    assert_eq!((state.position, state.cursor().as_str()), (Stamp(60), "v1.60"));
    assert_eq!(state.on_frame(&frame("live", 60, 61)).0, Follow::Apply);
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
    let mut state = State::default();
    state.queue.add(batch(1, false));
    assert_eq!(state.take_push(&response(0, 5)), Follow::Apply);
    assert!(state.queue.is_empty() && state.position == Stamp(5));
    state.queue.add(batch(1, false));
    assert_eq!(state.take_push(&response(7, 9)), Follow::Pull);
    // The row is known, the gap remains.
    assert_eq!((state.position, held(&state)), (Stamp(5), vec![("p0", 9)]));
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
    let mut state = State { position: Stamp(8), ..State::default() };
    state.queue.add(batch(2, false));
    assert_eq!(state.take_push(&response(json!({ "a": 1 }))), Follow::Apply);
    assert_eq!((state.position, held(&state)), (Stamp(9), vec![("p0", 9)]));
    let mut state = State { position: Stamp(8), ..State::default() };
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
