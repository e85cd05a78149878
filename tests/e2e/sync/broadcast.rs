//! `/ws`: who hears what, and by which path.

use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use libtest_mimic::Trial;
use protocol::role::Role;
use protocol::wire::REQUEST_ID_HEADER;
use protocol::wire::socket::SyncFrame;
use serde_json::{Value, json};
use tests::api::Api;
use tests::openapi::check::Checker;
use tests::till::socket;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use crate::shop::{Shop, Till, product, with};

const PATIENCE: Duration = Duration::from_secs(10);

pub(crate) fn trials() -> Vec<Trial> {
    trials![
        a_sale_on_one_till_appears_on_the_others_and_not_on_its_own,
        the_stream_alone_delivers_when_the_fast_path_is_cut,
        both_paths_together_deliver_once,
        ping_subscribe_and_nonsense_are_answered,
        an_unsubscribed_socket_hears_nothing_until_it_comes_back,
        a_deleted_record_is_told_with_its_last_data,
        what_a_role_may_not_read_is_not_told_to_it,
        publishing_needs_the_functions_seal,
    ]
}

/// A socket that a test listens to.
pub(crate) struct Listener {
    stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
    /// How every frame must look.
    checker: Arc<Checker>,
}

impl Listener {
    pub(crate) async fn open(api: &Api, device: &str) -> Listener {
        Listener::at(&socket::url(api, device), api).await
    }

    /// A socket at an address, which is held to the same description as `api`.
    pub(crate) async fn at(url: &str, api: &Api) -> Listener {
        let checker = api.checker.clone().expect("the caller is held to a description");
        let (stream, answer) = connect_async(url).await.unwrap();
        assert!(answer.headers().contains_key(REQUEST_ID_HEADER));
        Listener { stream, checker }
    }

    pub(crate) async fn send(&mut self, frame: &Value) {
        self.stream.send(Message::text(frame.to_string())).await.unwrap();
    }

    /// The next text frame; pings of the server aside.
    pub(crate) async fn next(&mut self) -> Value {
        serde_json::from_str(&self.next_text().await).unwrap()
    }

    /// The next text frame as it came; pings of the server aside.
    pub(crate) async fn next_text(&mut self) -> String {
        loop {
            let message = timeout(PATIENCE, self.stream.next()).await.expect("a frame comes in time");
            let Message::Text(text) = message.unwrap().unwrap() else { continue };
            self.checker.check_frame(&text).unwrap();
            if text.as_str() != r#"{"type":"ping"}"# {
                return text.as_str().to_owned();
            }
        }
    }

    pub(crate) async fn next_sync(&mut self) -> SyncFrame {
        let frame = self.next().await;
        assert_eq!(frame["type"], "sync", "{frame}");
        serde_json::from_str(&frame.to_string()).unwrap()
    }

    /// How the server closes the socket: code and reason.
    pub(crate) async fn farewell(&mut self) -> (u16, String) {
        loop {
            let message = timeout(PATIENCE, self.stream.next()).await.expect("the socket is closed in time");
            if let Message::Close(farewell) = message.unwrap().unwrap() {
                let farewell = farewell.expect("a reason is given");
                return (farewell.code.into(), farewell.reason.to_string());
            }
        }
    }

    /// Frames come in order, so whatever was sent before this ping's answer would have come before it.
    pub(crate) async fn hears_nothing_but_pong(&mut self) {
        self.send(&json!({"type": "ping"})).await;
        assert_eq!(self.next().await, json!({"type": "pong"}));
    }
}

async fn a_sale_on_one_till_appears_on_the_others_and_not_on_its_own(shop: &'static Shop) {
    let (one, two, three) = (shop.till("till-1").await, shop.till("till-2").await, shop.till("till-3").await);
    let mut own = Listener::open(&one.api, "till-1").await;
    let mut others = [Listener::open(&two.api, "till-2").await, Listener::open(&three.api, "till-3").await];
    let answer = one.push(&[product("p1", &json!({"n": 1})), product("p2", &json!({"n": 2}))]).await;
    for other in &mut others {
        let (first, second) = (other.next_sync().await, other.next_sync().await);
        assert_eq!(
            (first.record_id.as_str(), first.prev, first.stamp),
            ("p1", answer.prev, answer.applied[0].stamp)
        );
        assert_eq!((second.record_id.as_str(), second.prev, second.stamp), ("p2", first.stamp, answer.stamp));
        assert_eq!(second.data.as_str(), r#"{"n":2}"#);
        assert_eq!((second.version, &*second.room), (1, &*format!("{}:1", shop.client)));
        assert_eq!(second.server_updated_at, answer.applied[1].server_updated_at);
    }
    own.hears_nothing_but_pong().await;
}

async fn the_stream_alone_delivers_when_the_fast_path_is_cut(shop: &'static Shop) {
    let (one, two) = (shop.till("till-1").await, shop.till("till-2").await);
    let mut ear = Listener::open(&two.api, "till-2").await;
    shop.world.host_faults.cut_fast_path(&shop.client);
    let answer = one.push(&[product("p1", &json!({"n": 1}))]).await;
    assert_eq!(ear.next_sync().await.stamp, answer.stamp);
}

async fn both_paths_together_deliver_once(shop: &'static Shop) {
    let (one, two) = (shop.till("till-1").await, shop.till("till-2").await);
    let mut ear = Listener::open(&two.api, "till-2").await;
    let mut stamps = Vec::new();
    for i in 0..5 {
        stamps.push(one.push(&[product(&format!("p{i}"), &json!({"n": i}))]).await.stamp);
    }
    for stamp in stamps {
        assert_eq!(ear.next_sync().await.stamp, stamp);
    }
    // The stream is in order: once it has delivered a later commit of a client whose fast path is cut, it has
    // delivered these too.
    let marker = Shop::new(shop.world);
    let (three, four) = (marker.till("till-3").await, marker.till("till-4").await);
    let mut marker_ear = Listener::open(&four.api, "till-4").await;
    shop.world.host_faults.cut_fast_path(&marker.client);
    three.push(&[product("m", &json!({}))]).await;
    marker_ear.next_sync().await;
    ear.hears_nothing_but_pong().await;
    marker.close().await;
}

async fn ping_subscribe_and_nonsense_are_answered(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    let mut ear = Listener::open(&till.api, "till-1").await;
    let (own, other) = (format!("{}:1", shop.client), format!("{}:2", shop.client));
    let cases = [
        (json!({"type": "ping"}), json!({"type": "pong"})),
        (json!({"type": "ping", "more": 1}), json!({"type": "pong"})),
        (json!({"type": "subscribe", "room": own}), json!({"type": "subscribed", "room": own})),
    ];
    for (sent, answered) in cases {
        ear.send(&sent).await;
        assert_eq!(ear.next().await, answered);
    }
    let refused = [
        (json!({"type": "subscribe", "room": other}), "room_forbidden"),
        (json!({"type": "subscribe", "room": "7:*"}), "room_forbidden"),
        (json!({"type": "sync"}), "bad_frame"),
        (json!({"type": "ping", "pad": "x".repeat(5000)}), "frame_too_large"),
    ];
    for (sent, code) in refused {
        ear.send(&sent).await;
        let answer = ear.next().await;
        assert_eq!((&answer["type"], &answer["code"]), (&json!("error"), &json!(code)));
    }
    ear.stream.send(Message::binary(vec![0, 1, 2])).await.unwrap();
    assert_eq!(ear.next().await["code"], "bad_frame");
}

async fn an_unsubscribed_socket_hears_nothing_until_it_comes_back(shop: &'static Shop) {
    let (one, two) = (shop.till("till-1").await, shop.till("till-2").await);
    let mut ear = Listener::open(&two.api, "till-2").await;
    let room = format!("{}:1", shop.client);
    ear.send(&json!({"type": "unsubscribe", "room": room})).await;
    assert_eq!(ear.next().await["type"], "unsubscribed");
    let mut witness = Listener::open(&two.api, "till-2").await;
    one.push(&[product("p1", &json!({}))]).await;
    witness.next_sync().await;
    ear.send(&json!({"type": "subscribe", "room": room})).await;
    assert_eq!(ear.next().await["type"], "subscribed");
    one.push(&[product("p2", &json!({}))]).await;
    assert_eq!(ear.next_sync().await.record_id, "p2");
}

async fn a_deleted_record_is_told_with_its_last_data(shop: &'static Shop) {
    let (one, two) = (shop.till("till-1").await, shop.till("till-2").await);
    let mut ear = Listener::open(&two.api, "till-2").await;
    one.push(&[product("p1", &json!({"name": "A"}))]).await;
    one.push(&[with(with(product("p1", &json!(null)), "is_deleted", true), "base_version", 1)]).await;
    ear.next_sync().await;
    let frame = ear.next_sync().await;
    assert_eq!(serde_json::to_value(frame.operation).unwrap(), "delete");
    assert_eq!(frame.data.as_str(), r#"{"name":"A"}"#);
}

async fn what_a_role_may_not_read_is_not_told_to_it(shop: &'static Shop) {
    let (till, other) = (shop.till("till-1").await, shop.till("till-2").await);
    let login = shop.user("manager", Role::Manager, Some("1")).await;
    let (manager, _) = shop.stranger().login(&login).await.unwrap();
    let mut cashier_ear = Listener::open(&till.api, "till-1").await;
    let mut manager_ear = Listener::open(&manager, "office-2").await;
    let office = Till { api: manager, device: "office".into() };
    let advance = with(product("a1", &json!({"sum": 5})), "table_name", "employee_advances");
    let secret = office.push(&[product("p1", &json!({})), advance, product("p2", &json!({}))]).await;
    let heard = [cashier_ear.next_sync().await, cashier_ear.next_sync().await];
    assert_eq!(heard.each_ref().map(|frame| frame.record_id.as_str()), ["p1", "p2"]);
    assert_eq!(heard[1].prev, secret.applied[1].stamp, "the till sees a gap, and pulls");
    for applied in &secret.applied {
        assert_eq!(manager_ear.next_sync().await.stamp, applied.stamp);
    }
    // By the stream as well.
    shop.world.host_faults.cut_fast_path(&shop.client);
    office.push(&[with(product("a2", &json!({})), "table_name", "employee_advances")]).await;
    assert_eq!(manager_ear.next_sync().await.record_id, "a2");
    other.push(&[product("p3", &json!({}))]).await;
    assert_eq!(cashier_ear.next_sync().await.record_id, "p3");
}

async fn publishing_needs_the_functions_seal(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    let mut ear = Listener::open(&till.api, "till-1").await;
    let change =
        json!({"table_name": "products", "record_id": "p", "operation": "create", "data": {}, "version": 1});
    let commit = json!({"client_id": shop.client, "branch_id": "1", "device_id": "x", "prev": 0, "first": 1, "changes": [change]});
    let body = json!({"publications": [commit]}).to_string();
    for seal in ["", "t=1,v1=00", &format!("t={},v1={}", tests::fleet::now().as_secs(), "0".repeat(64))] {
        let request =
            till.api.request(reqwest::Method::POST, "/internal/publish").header("x-tillsync-seal", seal);
        let reply = till.api.send(request.body(body.clone())).await.unwrap();
        assert_eq!((reply.status.as_u16(), reply.code().as_deref()), (401, Some("bad_signature")));
    }
    ear.hears_nothing_but_pong().await;
}
