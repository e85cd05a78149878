use super::*;

#[test]
fn lines_are_pinned_and_read_back() {
    let times = EdgeTimes { edge_micros: 5000, function_micros: 4000, ..EdgeTimes::default() };
    let edge = LogEvent::Edge(EdgeLine {
        request_id: "r1".into(),
        trace_id: "t1".into(),
        route: "pullChanges".into(),
        status: 200,
        client: Some("1".parse().unwrap()),
        cache: Some("room".into()),
        cost: None,
        times,
    });
    let text = concat!(
        r#"{"line":"edge","request_id":"r1","trace_id":"t1","route":"pullChanges","status":200,"client":"1","#,
        r#""cache":"room","edge_micros":5000,"gate_micros":0,"room_micros":0,"function_micros":4000,"#,
        r#""storage_micros":0}"#
    );
    assert_eq!(edge.to_json(), text);
    assert_eq!(LogEvent::parse(text), Some(edge));
    let (client, branch) = ("1".parse().unwrap(), Some("2".parse().unwrap()));
    let room = RoomLine { client, branch, sockets: 3, changes: 2, delay_micros: Some(7) };
    let text = r#"{"line":"room","client":"1","branch":"2","sockets":3,"changes":2,"delay_micros":7}"#;
    assert_eq!(LogEvent::Room(room.clone()).to_json(), text);
    assert_eq!(LogEvent::parse(text), Some(LogEvent::Room(room)));
    let text = r#"{"line":"room","client":"1","sockets":3,"changes":2,"delay_micros":7}"#;
    let Some(LogEvent::Room(hub)) = LogEvent::parse(text) else { panic!("{text}") };
    assert_eq!((&hub.branch, LogEvent::Room(hub.clone()).to_json().as_str()), (&None, text));
    for other in ["", "ready", "{}", r#"{"line":"other"}"#, r#" {"line":"room"}"#] {
        assert_eq!(LogEvent::parse(other), None, "{other}");
    }
}
