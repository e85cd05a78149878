//! `/ws`: which sockets receive which changes, by the fast path and by the stream.

use protocol::wire::socket::SyncFrame;
use serde_json::json;

use crate::shop::{Shop, advance, deletion, product};

mod listener;

pub(crate) use listener::{Listener, Stream, texts_until_close};

trials! {
    shared:
    a_push_reaches_the_other_tills_and_not_its_own,
    the_stream_delivers_without_the_fast_path,
    fast_path_and_stream_deliver_each_change_once,
    every_client_frame_gets_a_response,
    an_unsubscribed_socket_gets_no_changes,
    a_deletion_carries_the_last_data,
    a_socket_gets_only_tables_its_role_may_read,
    publish_requires_a_valid_signature,
}

async fn a_push_reaches_the_other_tills_and_not_its_own(shop: &'static Shop) {
    let (one, two, three) = (shop.till("till-1").await, shop.till("till-2").await, shop.till("till-3").await);
    let mut own = Listener::open(&one.api, "till-1").await;
    let mut others = [Listener::open(&two.api, "till-2").await, Listener::open(&three.api, "till-3").await];
    let response = one.push(&[product("p1", &json!({"n": 1})), product("p2", &json!({"n": 2}))]).await;
    for other in &mut others {
        let (first, second) = (other.next_sync().await, other.next_sync().await);
        let place = |frame: &SyncFrame| (frame.record_id.clone(), frame.prev, frame.stamp);
        assert_eq!(place(&first), ("p1".into(), response.prev, response.applied[0].stamp));
        assert_eq!(place(&second), ("p2".into(), first.stamp, response.stamp));
        assert_eq!(second.data.as_str(), r#"{"n":2}"#);
        assert_eq!((second.version, &*second.room), (1, &*format!("{}:1", shop.client)));
        assert_eq!(second.server_updated_at, response.applied[1].server_updated_at);
    }
    own.assert_no_frame().await;
}

async fn the_stream_delivers_without_the_fast_path(shop: &'static Shop) {
    let (one, two) = (shop.till("till-1").await, shop.till("till-2").await);
    let mut listener = Listener::open(&two.api, "till-2").await;
    shop.world.host_faults.cut_fast_path(&shop.client);
    let response = one.push(&[product("p1", &json!({"n": 1}))]).await;
    assert_eq!(listener.next_sync().await.stamp, response.stamp);
}

async fn fast_path_and_stream_deliver_each_change_once(shop: &'static Shop) {
    let (one, two) = (shop.till("till-1").await, shop.till("till-2").await);
    let mut listener = Listener::open(&two.api, "till-2").await;
    let mut stamps = Vec::new();
    for i in 0..5 {
        stamps.push(one.push(&[product(&format!("p{i}"), &json!({"n": i}))]).await.stamp);
    }
    for stamp in stamps {
        assert_eq!(listener.next_sync().await.stamp, stamp);
    }
    // The stream delivers in order. Once it has delivered a later commit, of a tenant without the fast path,
    // it has delivered these commits too.
    let marker = shop.other_tenant();
    let (three, four) = (marker.till("till-3").await, marker.till("till-4").await);
    let mut marker_listener = Listener::open(&four.api, "till-4").await;
    shop.world.host_faults.cut_fast_path(&marker.client);
    three.push(&[product("m", &json!({}))]).await;
    marker_listener.next_sync().await;
    listener.assert_no_frame().await;
    marker.close().await;
}

async fn every_client_frame_gets_a_response(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    let mut listener = Listener::open(&till.api, "till-1").await;
    let (own, other) = (format!("{}:1", shop.client), format!("{}:2", shop.client));
    let cases = [
        (json!({"type": "ping"}), json!({"type": "pong"})),
        (json!({"type": "ping", "more": 1}), json!({"type": "pong"})),
        (json!({"type": "subscribe", "room": own}), json!({"type": "subscribed", "room": own})),
    ];
    for (sent, expected) in cases {
        listener.send(&sent).await;
        assert_eq!(listener.next().await, expected);
    }
    let refused = [
        (json!({"type": "subscribe", "room": other}), "room_forbidden"),
        (json!({"type": "subscribe", "room": "7:*"}), "room_forbidden"),
        (json!({"type": "sync"}), "bad_frame"),
        (json!({"type": "ping", "pad": "x".repeat(5000)}), "frame_too_large"),
    ];
    for (sent, code) in refused {
        listener.send(&sent).await;
        let response = listener.next().await;
        assert_eq!((&response["type"], &response["code"]), (&json!("error"), &json!(code)));
    }
    listener.send_bytes(vec![0, 1, 2]).await;
    assert_eq!(listener.next().await["code"], "bad_frame");
}

async fn an_unsubscribed_socket_gets_no_changes(shop: &'static Shop) {
    let (one, two) = (shop.till("till-1").await, shop.till("till-2").await);
    let mut listener = Listener::open(&two.api, "till-2").await;
    let room = format!("{}:1", shop.client);
    listener.send(&json!({"type": "unsubscribe", "room": room})).await;
    assert_eq!(listener.next().await["type"], "unsubscribed");
    let mut other_listener = Listener::open(&two.api, "till-2").await;
    one.push(&[product("p1", &json!({}))]).await;
    other_listener.next_sync().await;
    listener.send(&json!({"type": "subscribe", "room": room})).await;
    assert_eq!(listener.next().await["type"], "subscribed");
    one.push(&[product("p2", &json!({}))]).await;
    assert_eq!(listener.next_sync().await.record_id, "p2");
}

async fn a_deletion_carries_the_last_data(shop: &'static Shop) {
    let (one, two) = (shop.till("till-1").await, shop.till("till-2").await);
    let mut listener = Listener::open(&two.api, "till-2").await;
    one.push(&[product("p1", &json!({"name": "A"}))]).await;
    one.push(&[deletion("p1", 1)]).await;
    listener.next_sync().await;
    let frame = listener.next_sync().await;
    assert_eq!(serde_json::to_value(frame.operation).unwrap(), "delete");
    assert_eq!(frame.data.as_str(), r#"{"name":"A"}"#);
}

async fn a_socket_gets_only_tables_its_role_may_read(shop: &'static Shop) {
    let (till, other) = (shop.till("till-1").await, shop.till("till-2").await);
    let office = shop.office().await;
    let mut cashier_listener = Listener::open(&till.api, "till-1").await;
    let mut manager_listener = Listener::open(&office.api, "office-2").await;
    let pushed = office.push(&[product("p1", &json!({})), advance("a1"), product("p2", &json!({}))]).await;
    let received = [cashier_listener.next_sync().await, cashier_listener.next_sync().await];
    assert_eq!(received.each_ref().map(|frame| frame.record_id.as_str()), ["p1", "p2"]);
    assert_eq!(received[1].prev, pushed.applied[1].stamp, "the till sees a gap");
    for applied in &pushed.applied {
        assert_eq!(manager_listener.next_sync().await.stamp, applied.stamp);
    }
    // The stream hides the table as well.
    shop.world.host_faults.cut_fast_path(&shop.client);
    office.push(&[advance("a2")]).await;
    assert_eq!(manager_listener.next_sync().await.record_id, "a2");
    other.push(&[product("p3", &json!({}))]).await;
    assert_eq!(cashier_listener.next_sync().await.record_id, "p3");
}

async fn publish_requires_a_valid_signature(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    let mut listener = Listener::open(&till.api, "till-1").await;
    let change =
        json!({"table_name": "products", "record_id": "p", "operation": "create", "data": {}, "version": 1});
    let commit = json!({"client_id": shop.client, "branch_id": "1", "device_id": "x", "prev": 0, "first": 1, "changes": [change]});
    let body = json!({"publications": [commit]}).to_string();
    for signature in ["", "t=1,v1=00", &format!("t={},v1={}", tests::fleet::now().as_secs(), "0".repeat(64))]
    {
        let request =
            till.api.request(reqwest::Method::POST, "/internal/publish").header("x-tillsync-seal", signature);
        let reply = till.api.send(request.body(body.clone())).await.unwrap();
        assert_eq!((reply.status.as_u16(), reply.code().as_deref()), (401, Some("bad_signature")));
    }
    listener.assert_no_frame().await;
}
