//! Presence: which devices of a branch are online, and who hears of it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use local::stack::Options;
use protocol::limits::PRESENCE_LEAVE_SECS;
use protocol::wire::auth::User;
use protocol::wire::presence::PresenceResponse;
use redis_rest::faults::Fault;
use serde_json::{Value, json};
use tests::api::Api;
use tests::fleet;
use tests::openapi::check::Checker;
use tests::wait::poll;
use tokio::time::sleep;

use crate::changed_edge::{ChangedEdge, with_observed_rooms};
use crate::replies::assert_error;
use crate::shop::{Shop, ago};
use crate::sync::broadcast::Listener;
use crate::world::{PATIENCE, cashier};

trials! {
    exclusive:
    managers_and_head_office_hear_who_comes_and_goes,
    a_reload_in_time_makes_no_noise,
    presence_shows_who_is_online_and_when_others_were_seen,
    presence_is_for_managers_of_the_branch,
    a_device_that_vanished_leaves,
    a_leave_outlives_the_memory_of_its_room,
    heartbeats_outlive_the_memory_of_their_room,
}

const DEVICES: usize = 50;
const RELOADS: usize = 10;

/// A cashier of branch 1 on `device`, with a token that needed no sign-in.
fn device(shop: &Shop, device: &str) -> Api {
    let user = User { id: format!("user of {device}"), ..cashier(&shop.client) };
    shop.anonymous().with_token(shop.world.bound_token(&user, Some(device), None, fleet::now()))
}

/// The next frame about a device: its id, and whether it is online.
async fn next(listener: &mut Listener) -> (String, bool) {
    let frame = listener.next_presence().await;
    (frame["device_id"].as_str().unwrap().to_owned(), frame["online"].as_bool().unwrap())
}

async fn managers_and_head_office_hear_who_comes_and_goes(shop: &'static Shop) {
    let mut cashier = Listener::open(&device(shop, "till-1"), "till-1").await;
    let mut office = Listener::open(&shop.head_office().await, "office").await;
    let mut manager = Listener::open(&shop.manager().await, "desk").await;
    assert_eq!(next(&mut office).await, ("desk".to_owned(), true));
    let mut till = Listener::open(&device(shop, "till-2"), "till-2").await;
    let second = Listener::open(&device(shop, "till-2"), "till-2").await;
    let joined = manager.next_presence().await;
    let at = joined["at"].clone();
    let room = shop.room("1").to_string();
    assert_eq!(
        joined,
        json!({ "type": "presence", "device_id": "till-2", "user_id": "user of till-2", "role": "cashier",
                "online": true, "at": at, "room": room })
    );
    assert_eq!(office.next_presence().await, joined);

    // One of two sockets ends, then the other.
    drop(second);
    till.close(Some(1000)).await;
    let closed = Instant::now();
    for listener in [&mut manager, &mut office] {
        assert_eq!(next(listener).await, ("till-2".to_owned(), false));
    }
    let after = closed.elapsed();
    assert!(after >= Duration::from_secs(PRESENCE_LEAVE_SECS), "{after:?}");
    println!("a leave was announced {after:?} after the last socket");
    // The frames were those alone, and a cashier hears none.
    for listener in [&mut manager, &mut office, &mut cashier] {
        listener.assert_no_presence().await;
    }
    drop(manager);
    assert_eq!(next(&mut office).await, ("desk".to_owned(), false));
}

async fn a_reload_in_time_makes_no_noise(shop: &'static Shop) {
    let names: Vec<String> = (0..DEVICES).map(|i| format!("till-{i}")).collect();
    let mut sockets = Vec::new();
    for name in &names {
        sockets.push(Listener::open(&device(shop, name), name).await);
    }
    let mut manager = Listener::open(&shop.manager().await, "desk").await;
    let mut office = Listener::open(&shop.head_office().await, "office").await;
    let began = Instant::now();
    for (name, socket) in names.iter().zip(&mut sockets).take(RELOADS) {
        socket.close(Some(1001)).await;
        *socket = Listener::open(&device(shop, name), name).await;
    }
    let took = began.elapsed();
    assert!(took < Duration::from_secs(PRESENCE_LEAVE_SECS), "too slow for this test: {took:?}");
    sleep(Duration::from_secs(2 * PRESENCE_LEAVE_SECS)).await;
    for listener in [&mut manager, &mut office] {
        listener.assert_no_presence().await;
    }
    // The same without coming back is heard.
    for socket in sockets.iter_mut().take(RELOADS) {
        socket.close(Some(1001)).await;
    }
    for listener in [&mut manager, &mut office] {
        let mut left = Vec::new();
        for _ in 0..RELOADS {
            left.push(next(listener).await);
        }
        left.sort();
        let mut expected: Vec<_> = names.iter().take(RELOADS).map(|name| (name.clone(), false)).collect();
        expected.sort();
        assert_eq!(left, expected);
        listener.assert_no_presence().await;
    }
}

async fn presence(api: &Api, query: &str) -> PresenceResponse {
    api.get(&format!("/api/presence{query}")).await.unwrap().ok().unwrap()
}

async fn presence_shows_who_is_online_and_when_others_were_seen(shop: &'static Shop) {
    let (manager, office) = (shop.manager().await, shop.head_office().await);
    let mut stays = Listener::open(&device(shop, "till-1"), "till-1").await;
    let mut leaves = Listener::open(&device(shop, "till-2"), "till-2").await;
    let status = json!({ "type": "status", "pending": 3, "conflicts": 1, "app": "till 1.4.2" });
    stays.send(&status).await;
    stays.assert_no_frame().await;
    let all = presence(&manager, "").await;
    assert_eq!((all.offline.len(), all.offline_known), (0, true));
    let online: Vec<&str> = all.online.iter().map(|device| device.device_id.as_str()).collect();
    assert_eq!(online, ["till-1", "till-2"]);
    let told = all.online[0].status.as_ref().unwrap();
    assert_eq!((told.pending, told.conflicts, told.app.as_deref()), (3, 1, Some("till 1.4.2")));
    assert!(all.online[0].status_at >= Some(all.online[0].since.clone()), "{all:?}");
    assert_eq!((&all.online[1].status, all.online[1].user_id.as_str()), (&None, "user of till-2"));
    assert_eq!(presence(&office, "?branch_id=1").await, all);

    // The server's clock has milliseconds.
    let before = ago(1);
    leaves.close(Some(1000)).await;
    let read = async || presence(&manager, "").await;
    let now = poll(PATIENCE, read, |now| !now.offline.is_empty()).await.unwrap();
    assert_eq!((now.online.len(), now.offline[0].device_id.as_str()), (1, "till-2"));
    assert!(now.offline[0].last_seen_at >= before, "{} is before {before}", now.offline[0].last_seen_at);
    // Once it is back, it is not offline.
    let _back = Listener::open(&device(shop, "till-2"), "till-2").await;
    let now = presence(&manager, "").await;
    assert_eq!((now.online.len(), now.offline.len()), (2, 0));

    shop.world.begin_redis_fault(Fault::Status(500));
    let without = presence(&manager, "").await;
    assert_eq!((without.online, without.offline_known), (now.online, false));
}

async fn presence_is_for_managers_of_the_branch(shop: &'static Shop) {
    let ask = async |api: &Api, query: &str| api.get(&format!("/api/presence{query}")).await.unwrap();
    assert_error(&ask(&device(shop, "till-1"), "").await, 403, "forbidden_role");
    let (manager, office) = (shop.manager().await, shop.head_office().await);
    assert_error(&ask(&manager, "?branch_id=2").await, 403, "branch_forbidden");
    assert_error(&ask(&office, "").await, 403, "branch_required");
    assert_error(&ask(&office, "?branch_id=a%3Ab").await, 400, "bad_request");
    let _open = Listener::open(&device(shop, "till-1"), "till-1").await;
    assert_eq!(presence(&manager, "?branch_id=1").await.online.len(), 1);
    assert_error(&ask(&office, "?branch_id=2").await, 404, "branch_not_found");
    shop.branch("2").await;
    assert_eq!(presence(&office, "?branch_id=2").await.online.len(), 0);
    // Another client has no such branch.
    let other = shop.other_tenant().head_office().await;
    assert_error(&ask(&other, "?branch_id=1").await, 404, "branch_not_found");
}

/// A device of branch 1 of client 1, on a stack of its own.
async fn opened(edge: &ChangedEdge, name: &str) -> Listener {
    let till = edge.till("1:1", name).await;
    Listener::open(&till.api.held_to(Arc::new(Checker::new().unwrap())), name).await
}

/// The variables of a heartbeat whose times have so many seconds.
fn heartbeat_of(secs: &str) -> BTreeMap<&'static str, String> {
    ["SOCKET_PING_AFTER_SECS", "SOCKET_PONG_WITHIN_SECS"].map(|name| (name, secs.to_owned())).into()
}

async fn a_device_that_vanished_leaves(_: &'static Shop) {
    let edge = ChangedEdge::with(Options { edge_variables: heartbeat_of("1"), ..Options::default() }).await;
    let office = edge.head_office().await;
    let mut office = Listener::open(&office, "office").await;
    // Its connection stays, but it answers no ping: so does a till whose network is gone.
    let mut vanished = opened(&edge, "till-1").await;
    assert_eq!(next(&mut office).await, ("till-1".to_owned(), true));
    let began = Instant::now();
    assert_eq!(next(&mut office).await, ("till-1".to_owned(), false));
    let after = began.elapsed();
    println!("with a heartbeat of 1 s and 1 s, a vanished device left after {after:?}");
    // At least a second of silence, a second to answer and three until it has left, each rounded up.
    assert!(after >= Duration::from_secs(2 + PRESENCE_LEAVE_SECS), "{after:?}");
    assert!(after < Duration::from_secs(15), "{after:?}");
    assert_eq!(vanished.close_frame().await, (4408, "no answer to a ping".to_owned()));
    edge.stop().await;
}

async fn a_leave_outlives_the_memory_of_its_room(_: &'static Shop) {
    let edge = ChangedEdge::start(with_observed_rooms).await;
    let office = edge.head_office().await;
    let mut listener = Listener::open(&office, "office").await;
    let (mut one, mut two) = (opened(&edge, "till-1").await, opened(&edge, "till-2").await);
    for name in ["till-1", "till-2"] {
        assert_eq!(next(&mut listener).await, (name.to_owned(), true));
    }
    one.close(Some(1000)).await;
    edge.observe::<Value>("forget", "1:1").await;
    assert_eq!(next(&mut listener).await, ("till-1".to_owned(), false));
    // What was announced before is not announced again.
    edge.observe::<Value>("forget", "1:1").await;
    two.send(&json!({ "type": "status", "pending": 1 })).await;
    two.assert_no_frame().await;
    listener.assert_no_presence().await;
    two.close(Some(1000)).await;
    assert_eq!(next(&mut listener).await, ("till-2".to_owned(), false));
    edge.stop().await;
}

async fn heartbeats_outlive_the_memory_of_their_room(_: &'static Shop) {
    let edge = ChangedEdge::observed(heartbeat_of("2")).await;
    let mut listener = opened(&edge, "till-1").await;
    let lose_memory = async || edge.observe::<Value>("forget", "1:1").await;
    let begun = async || edge.observe::<u64>("begun", "1:1").await;
    let before = begun().await;
    for _ in 0..3 {
        lose_memory().await;
        let frame = listener.next_unless_lost().await.expect("the socket stays");
        assert_eq!(frame, json!({ "type": "ping" }));
        listener.send(&json!({ "type": "pong" })).await;
    }
    // What the room knows of an unanswered ping is not lost either.
    lose_memory().await;
    assert_eq!(listener.next_unless_lost().await, Some(json!({ "type": "ping" })));
    lose_memory().await;
    assert_eq!(listener.close_frame().await, (4408, "no answer to a ping".to_owned()));
    assert_eq!(begun().await, before + 5);
    edge.stop().await;
}
