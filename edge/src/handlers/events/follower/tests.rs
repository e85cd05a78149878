use protocol::wire::pull::PullResponse;
use serde_json::{Value, json};

use super::*;

fn page(next_cursor: &str, stamp: u64, has_more: bool) -> String {
    json!({ "changes": [], "has_more": has_more, "next_cursor": next_cursor, "stamp": stamp, "mode": "changes" })
        .to_string()
}

/// A follower of `tables` that stands at 5.
fn at_five(tables: Option<&str>) -> Follower {
    let mut follower = Follower::new(Some("p1.5.x".into()), None, tables.map(str::to_owned), None);
    assert_eq!(follower.on_page(page("p1.5.x", 5, false).as_bytes()).unwrap(), None);
    assert!(!follower.must_pull());
    follower
}

fn frame(prev: u64, stamp: u64, tables: &[&str]) -> String {
    let change = |table: &&str| {
        json!({ "table_name": table, "record_id": "r", "data": { "n": 1 }, "version": 1, "stamp": stamp,
                "server_updated_at": "t", "operation": "update", "is_deleted": false, "device_id": "d", "branch_id": "2" })
    };
    let changes: Vec<Value> = tables.iter().map(change).collect();
    json!({ "type": "sync_batch", "changes": changes, "prev": prev, "stamp": stamp, "room": "1:2" })
        .to_string()
}

/// Id and page of an event.
fn read(event: &str) -> (String, PullResponse) {
    let (id, data) = event.strip_prefix("event: changes\nid: ").unwrap().split_once("\ndata: ").unwrap();
    (id.to_owned(), serde_json::from_str(data.strip_suffix("\n\n").unwrap()).unwrap())
}

#[test]
fn a_stream_pulls_from_its_cursor_or_its_start() {
    let query = |cursor: Option<&str>, since: Option<&str>, tables: Option<&str>| {
        let [cursor, since, tables] = [cursor, since, tables].map(|text| text.map(str::to_owned));
        Follower::new(cursor, since, tables, None).next_query()
    };
    assert_eq!(query(None, None, None), "limit=1000");
    assert_eq!(query(Some("p1.5.x"), Some("7"), None), "cursor=p1.5.x&limit=1000");
    assert_eq!(query(None, Some("7"), Some("a,b")), "since=7&tables=a%2Cb&limit=1000");
    let mut of_branch = Follower::new(None, Some("7".into()), None, Some("2".parse().unwrap()));
    assert_eq!(of_branch.next_query(), "since=7&branch_id=2&limit=1000");
}

#[test]
fn pages_follow_until_the_head_of_the_room() {
    let mut follower = Follower::new(None, None, None, None);
    let first = follower.on_page(page("p1.4.x", 4, true).as_bytes()).unwrap().unwrap();
    assert_eq!(read(&first).0, "p1.4.x");
    assert!(follower.must_pull());
    assert_eq!(follower.next_query(), "cursor=p1.4.x&limit=1000");
    assert!(follower.on_page(page("p1.5.x", 5, false).as_bytes()).unwrap().is_some());
    assert!(!follower.must_pull());
    assert!(follower.on_page(b"{}").is_err());
}

#[test]
fn the_next_commit_is_an_event_like_a_page() {
    let mut follower = at_five(None);
    let exact = frame(5, 9, &["products"]).replace(r#"{"n":1}"#, r#"{"n":1.10}"#);
    let (id, page) = read(&follower.on_frame(&exact).unwrap());
    assert_eq!((id.as_str(), page.next_cursor.as_str()), ("p1.9.x", "p1.9.x"));
    assert_eq!((page.stamp, page.has_more, page.mode.as_str()), (Stamp(9), false, CHANGES));
    assert_eq!(page.changes[0].data.as_str(), r#"{"n":1.10}"#);
    assert!(!follower.must_pull());
    // The same again, and one from before.
    assert_eq!((follower.on_frame(&exact), follower.on_frame(&frame(3, 5, &["a"]))), (None, None));
    assert!(!follower.must_pull());
}

#[test]
fn a_gap_is_pulled_from_the_last_event() {
    for gap in [frame(6, 9, &["a"]), frame(3, 9, &["a"])] {
        let mut follower = at_five(None);
        assert_eq!(follower.on_frame(&gap), None);
        assert!(follower.must_pull());
        assert_eq!(follower.next_query(), "cursor=p1.5.x&limit=1000");
    }
    let mut follower = at_five(None);
    follower.on_gap();
    assert!(follower.must_pull());
}

#[test]
fn a_stream_in_a_snapshot_or_its_tail_takes_no_frame() {
    for (cursor, mode) in [("w1.x.k.abc", "snapshot"), ("p1.5.x.9", "changes")] {
        let mut follower = Follower::new(None, None, None, None);
        let end = page(cursor, 5, false).replace("\"mode\":\"changes\"", &format!("\"mode\":\"{mode}\""));
        assert!(follower.on_page(end.as_bytes()).unwrap().is_some());
        assert_eq!(follower.on_frame(&frame(5, 9, &["a"])), None);
        assert!(follower.must_pull(), "{cursor}");
    }
}

#[test]
fn a_head_beyond_the_stream_is_pulled_for_once() {
    let mut follower = at_five(None);
    let pong = |head: u64| json!({ "type": "pong", "head": head }).to_string();
    assert_eq!((follower.on_frame(&pong(5)), follower.must_pull()), (None, false));
    assert_eq!((follower.on_frame(&pong(9)), follower.must_pull()), (None, true));
    follower.next_query();
    // The tables were put back to 5.
    follower.on_page(page("p1.5.x", 5, false).as_bytes()).unwrap();
    assert_eq!((follower.on_frame(&pong(9)), follower.must_pull()), (None, false));
    assert_eq!((follower.on_frame(r#"{"type":"pong"}"#), follower.must_pull()), (None, false));
}

#[test]
fn only_the_asked_tables_come_and_others_move_the_stream() {
    let mut follower = at_five(Some("products,customers"));
    assert_eq!(follower.on_frame(&frame(5, 7, &["invoices"])), None);
    let (id, page) = read(&follower.on_frame(&frame(7, 9, &["invoices", "products"])).unwrap());
    assert_eq!((id.as_str(), page.changes.len()), ("p1.9.x", 1));
    assert_eq!(page.changes[0].table_name, "products");
    assert_eq!(follower.next_query(), "cursor=p1.9.x&tables=products%2Ccustomers&limit=1000");
}

#[test]
fn line_breaks_in_data_begin_lines_of_their_own() {
    let text = event(Some("1"), "changes", "{\"a\":\r\n[1,\n2]}");
    assert_eq!(text, "event: changes\nid: 1\ndata: {\"a\":\ndata: \ndata: [1,\ndata: 2]}\n\n");
    assert_eq!(
        close_event(4401, "token expired"),
        "event: close\ndata: {\"code\":4401,\"reason\":\"token expired\"}\n\n"
    );
}
