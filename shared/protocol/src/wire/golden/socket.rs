use super::{data, text};
use crate::record::Operation;
use crate::stamp::Stamp;
use crate::wire::socket::{BadFrame, ClientFrame, ServerFrame, SyncFrame};

#[test]
fn what_clients_send() {
    let room = || "1:2".to_owned();
    for (frame, expected) in [
        (ClientFrame::Ping, r#"{"type":"ping"}"#),
        (ClientFrame::Pong, r#"{"type":"pong"}"#),
        (ClientFrame::Subscribe { room: room() }, r#"{"type":"subscribe","room":"1:2"}"#),
        (ClientFrame::Unsubscribe { room: room() }, r#"{"type":"unsubscribe","room":"1:2"}"#),
    ] {
        assert_eq!(text(&frame), expected);
    }
}

#[test]
fn what_the_server_sends() {
    let room = || "1:2".to_owned();
    for (frame, expected) in [
        (ServerFrame::Ping, r#"{"type":"ping"}"#),
        (ServerFrame::Pong, r#"{"type":"pong"}"#),
        (ServerFrame::Subscribed { room: room() }, r#"{"type":"subscribed","room":"1:2"}"#),
        (ServerFrame::Unsubscribed { room: room() }, r#"{"type":"unsubscribed","room":"1:2"}"#),
        (
            BadFrame::TooLarge.answer(),
            r#"{"type":"error","code":"frame_too_large","message":"A frame may have 4 KiB; push records over HTTPS."}"#,
        ),
        (
            BadFrame::Unknown.answer(),
            r#"{"type":"error","code":"bad_frame","message":"Send JSON with a `type` of ping, pong, subscribe or unsubscribe."}"#,
        ),
    ] {
        assert_eq!(frame.to_json(), expected);
    }
    let sync = SyncFrame {
        table_name: "products".into(),
        record_id: "p1".into(),
        operation: Operation::Update,
        data: data(r#"{"price":1.10}"#),
        version: 4,
        server_updated_at: Stamp(9).time().to_string(),
        stamp: Stamp(9),
        prev: Stamp(7),
        room: room(),
    };
    assert_eq!(
        ServerFrame::Sync(Box::new(sync)).to_json(),
        r#"{"type":"sync","table_name":"products","record_id":"p1","operation":"update","data":{"price":1.10},"version":4,"server_updated_at":"1970-01-01T00:00:00.000009Z","stamp":9,"prev":7,"room":"1:2"}"#
    );
}
