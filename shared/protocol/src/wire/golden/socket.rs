//! WebSocket frames.

use super::{data, pin, text};
use crate::record::Operation;
use crate::stamp::Stamp;
use crate::wire::socket::{BadFrame, ClientFrame, ServerFrame, SyncFrame};

#[test]
fn frames() {
    let room = || "1:2".to_owned();
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
    let values = [
        text(&ClientFrame::Ping),
        text(&ClientFrame::Pong),
        text(&ClientFrame::Subscribe { room: room() }),
        text(&ClientFrame::Unsubscribe { room: room() }),
        ServerFrame::Ping.to_json(),
        ServerFrame::Pong.to_json(),
        ServerFrame::Subscribed { room: room() }.to_json(),
        ServerFrame::Unsubscribed { room: room() }.to_json(),
        BadFrame::TooLarge.reply().to_json(),
        BadFrame::Unknown.reply().to_json(),
        ServerFrame::Sync(Box::new(sync)).to_json(),
    ];
    pin(include_str!("frames.jsonl"), &values);
}
