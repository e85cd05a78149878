//! The head of a room: in the greeting, in `subscribed`, and in the pong that the runtime answers by itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use auth::signature::SIGNATURE_HEADER;
use protocol::json::JsonText;
use protocol::record::Operation;
use protocol::role::Role;
use protocol::stamp::Stamp;
use protocol::wire::auth::LoginRequest;
use protocol::wire::publication::{Publication, PublishRequest, PublishedChange};
use reqwest::Method;
use serde_json::json;
use tests::api::Api;
use tests::fleet;
use tests::till::Till as LiveTill;
use tests::till::meter::Meter;
use tests::till::socket::{self, SocketOptions};
use tests::wait::poll;
use tokio::task::JoinHandle;
use tokio::time::sleep;

use super::broadcast::Listener;
use crate::changed_edge::{ChangedEdge, with_observed_rooms};
use crate::shop::{Shop, product};
use crate::world::PATIENCE;

trials! {
    shared:
    greeting_and_pong_tell_the_head,
    an_old_publication_does_not_lower_the_head,
    a_till_notices_lost_frames_by_its_next_ping,
    an_idle_till_calls_no_function,
    a_head_that_the_tables_have_lost_is_pulled_for_once,
    a_head_outlives_the_memory_of_its_room,
}

/// The text that the runtime answers, and one that the room answers.
const PINGS: [&str; 2] = [r#"{"type":"ping"}"#, r#"{"type": "ping"}"#];
const PING_EVERY: Duration = Duration::from_millis(200);
/// Many pings.
const IDLE: Duration = Duration::from_secs(3);
/// An object without an event for 10 seconds hibernates.
const HIBERNATED: Duration = Duration::from_secs(13);

/// A till that follows its room and pulls where it must.
struct Following {
    till: Arc<LiveTill>,
    loses_changes: Arc<AtomicBool>,
    pulling: JoinHandle<()>,
}

impl Drop for Following {
    fn drop(&mut self) {
        self.pulling.abort();
    }
}

impl Following {
    async fn open(api: &Api, login: &LoginRequest) -> Following {
        let loses_changes = Arc::new(AtomicBool::new(false));
        let options = SocketOptions {
            ping_every: PING_EVERY,
            loses_changes: loses_changes.clone(),
            ..SocketOptions::default()
        };
        let till = LiveTill::open_with(api, login, Arc::new(Meter::default()), options).await.unwrap();
        let till = Arc::new(till);
        let pulling = tokio::spawn({
            let till = till.clone();
            async move { till.fill_gaps().await.unwrap() }
        });
        Following { till, loses_changes, pulling }
    }

    async fn of(shop: &Shop, name: &str) -> Following {
        let login = shop.user(name, Role::Cashier, Some("1")).await;
        let login = LoginRequest { device_id: Some(name.parse().unwrap()), ..login };
        Following::open(&shop.anonymous(), &login).await
    }

    async fn reaches(&self, stamp: Stamp) {
        let position = async || self.till.read(|state| state.position);
        poll(PATIENCE, position, |position| *position == stamp).await.expect("the till gets there");
    }
}

async fn greeting_and_pong_tell_the_head(shop: &'static Shop) {
    let (one, two) = (shop.till("till-1").await, shop.till("till-2").await);
    let url = socket::url(&two.api, "till-2");
    let room = format!("{}:1", shop.client);
    let (mut listener, greeting) = Listener::greeted(&url, &two.api).await;
    assert_eq!(greeting, json!({ "type": "connected", "room": room }), "a new room knows no head");
    for ping in PINGS {
        assert_eq!(listener.head_by(ping).await, None);
    }
    // By the fast path, then by the stream.
    for path in ["fast", "sure"] {
        let stamp = one.push(&[product(path, &json!({}))]).await.stamp;
        assert_eq!(listener.next_sync().await.stamp, stamp);
        for ping in PINGS {
            assert_eq!(listener.head_by(ping).await, Some(stamp));
        }
        listener.send(&json!({ "type": "subscribe", "room": room })).await;
        assert_eq!(listener.next().await, json!({ "type": "subscribed", "room": room, "head": stamp }));
        let (_, greeting) = Listener::greeted(&url, &two.api).await;
        assert_eq!(greeting, json!({ "type": "connected", "room": room, "head": stamp }));
        shop.world.host_faults.cut_fast_path(&shop.client);
    }
}

async fn an_old_publication_does_not_lower_the_head(shop: &'static Shop) {
    let (one, two) = (shop.till("till-1").await, shop.till("till-2").await);
    let mut listener = Listener::open(&two.api, "till-2").await;
    let first = one.push(&[product("p1", &json!({}))]).await;
    let second = one.push(&[product("p2", &json!({}))]).await;
    assert_eq!(listener.next_sync().await.stamp, first.stamp);
    assert_eq!(listener.next_sync().await.stamp, second.stamp);
    publish(shop, Stamp(1), first.prev).await;
    assert_eq!(listener.next_sync().await.stamp, Stamp(1));
    for ping in PINGS {
        assert_eq!(listener.head_by(ping).await, Some(second.stamp));
    }
}

async fn a_till_notices_lost_frames_by_its_next_ping(shop: &'static Shop) {
    let one = shop.till("till-1").await;
    let two = Following::of(shop, "till-2").await;
    let first = one.push(&[product("p1", &json!({}))]).await;
    two.reaches(first.stamp).await;
    two.loses_changes.store(true, Ordering::Relaxed);
    // No later frame shows the gap.
    let lost = one.push(&[product("p2", &json!({}))]).await;
    two.reaches(lost.stamp).await;
    assert!(two.till.read(|state| state.rows.get("products", "p2").is_some()));
}

async fn an_idle_till_calls_no_function(shop: &'static Shop) {
    let one = shop.till("till-1").await;
    let two = Following::of(shop, "till-2").await;
    let pushed = one.push(&[product("p1", &json!({}))]).await;
    two.reaches(pushed.stamp).await;
    let calls = || shop.world.host_faults.calls(&shop.client);
    let at_rest = calls_at_rest(calls).await;
    sleep(IDLE).await;
    assert_eq!(calls(), at_rest);
    // A till that comes back to the same head does not pull either.
    let (_, greeting) = Listener::greeted(&socket::url(&one.api, "till-1"), &one.api).await;
    assert!(!two.till.read(|state| state.clone()).on_connected(greeting["head"].as_u64().map(Stamp)));
}

async fn a_head_that_the_tables_have_lost_is_pulled_for_once(shop: &'static Shop) {
    let one = shop.till("till-1").await;
    let two = Following::of(shop, "till-2").await;
    let pushed = one.push(&[product("p1", &json!({}))]).await;
    two.reaches(pushed.stamp).await;
    two.loses_changes.store(true, Ordering::Relaxed);
    let calls = || shop.world.host_faults.calls(&shop.client);
    let before = calls_at_rest(calls).await;
    // The room was told of a commit that the tables do not have any more.
    publish(shop, Stamp(fleet::now().0), pushed.stamp).await;
    poll(PATIENCE, async || calls(), |calls| *calls > before).await.expect("the till pulls");
    // A pong that comes while it pulls may lead to another pull.
    let pulled = calls_at_rest(calls).await;
    assert!(pulled <= before + 2, "{} pulls for one head", pulled - before);
    sleep(IDLE).await;
    assert_eq!(calls(), pulled);
    assert_eq!(two.till.read(|state| state.position), pushed.stamp);
    // The room goes on, and so does the till.
    let next = one.push(&[product("p2", &json!({}))]).await;
    two.reaches(next.stamp).await;
}

/// The number of function calls once it rests: a pull may be under way that began before.
async fn calls_at_rest(calls: impl Fn() -> u64) -> u64 {
    loop {
        let before = calls();
        sleep(5 * PING_EVERY).await;
        if calls() == before {
            return before;
        }
    }
}

/// Publishes a change to branch 1 that no table has, as `change-stream` does.
async fn publish(shop: &Shop, stamp: Stamp, prev: Stamp) {
    let change = PublishedChange {
        table_name: "products".into(),
        record_id: "nowhere".into(),
        operation: Operation::Create,
        data: JsonText::null(),
        version: 1,
        read: Role::Cashier,
    };
    let publication = Publication {
        client_id: shop.client.parse().unwrap(),
        branch_id: "1".parse().unwrap(),
        device_id: "another".parse().unwrap(),
        prev,
        first: stamp,
        changes: vec![change],
    };
    let body = serde_json::to_vec(&PublishRequest { publications: vec![publication] }).unwrap();
    let signature = shop.world.sign_publication(&body);
    let api = shop.anonymous();
    let request = api.request(Method::POST, "/internal/publish").header(SIGNATURE_HEADER, signature);
    assert_eq!(api.send(request.body(body)).await.unwrap().status, 204);
}

async fn a_head_outlives_the_memory_of_its_room(_: &'static Shop) {
    let edge = ChangedEdge::start(with_observed_rooms).await;
    let api = edge.api();
    let begun = async || edge.observe::<u64>("begun", "1:1").await;
    let calls = || edge.stack.host_faults().calls("1");
    let one = edge.tills(1).await.remove(0);
    let login = edge.login("1:1", "two").await;
    let two = Following::open(&api, &login).await;
    let pushed = one.push(&[product("p1", &json!({}))]).await;
    two.reaches(pushed.stamp).await;
    two.loses_changes.store(true, Ordering::Relaxed);

    // Forced, with the sockets open: the till still hears the head, and calls nothing.
    let (begun_before, calls_before) = (begun().await, calls_at_rest(calls).await);
    edge.observe::<serde_json::Value>("forget", "1:1").await;
    assert_eq!(begun().await, begun_before + 1);
    sleep(IDLE).await;
    assert_eq!(calls(), calls_before);
    let lost = one.push(&[product("p2", &json!({}))]).await;
    two.reaches(lost.stamp).await;

    // By hibernation, while the runtime answers the pings.
    sleep(HIBERNATED).await;
    let (begun_before, calls_before) = (begun().await, calls());
    let lost = one.push(&[product("p3", &json!({}))]).await;
    two.reaches(lost.stamp).await;
    assert_eq!(begun().await, begun_before + 1, "the room had hibernated");
    let made = calls_at_rest(calls).await - calls_before;
    assert!((2..=3).contains(&made), "{made} calls for a push and a pull, or two if a pong came meanwhile");
    edge.stop().await;
}
