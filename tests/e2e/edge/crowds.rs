//! Many sockets of one room, many rooms at once, and what it costs when all open again.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use functions::accounts::signer::Signer;
use futures_util::StreamExt;
use futures_util::future::join_all;
use futures_util::stream::iter;
use local::keys::Keys;
use protocol::limits::ROOM_SOCKETS_MAX;
use protocol::role::Role;
use protocol::stamp::Stamp;
use protocol::wire::auth::User;
use protocol::wire::presence::PresenceResponse;
use protocol::wire::push::PushResponse;
use protocol::wire::socket::ServerFrame;
use serde_json::json;
use tests::api::Api;
use tests::fleet;
use tests::till::socket;
use tests::wait::poll;
use tokio::time::timeout;
use tokio_tungstenite::connect_async;

use crate::changed_edge::{ChangedEdge, with_observed_rooms};
use crate::shop::{Shop, product};
use crate::sync::broadcast::Stream;
use crate::till::Till;
use crate::world::{LONG_PATIENCE, PATIENCE, cashier};

trials! {
    shared:
    a_thousand_sockets_of_one_room_have_a_commit,
    a_hundred_rooms_at_once_have_their_own_commits,
    sockets_that_open_again_cost_next_to_nothing,
}

/// Rooms at once, and the sockets of each.
const ROOMS: usize = 100;
const SOCKETS_PER_ROOM: usize = 5;
/// Sockets that open again.
const REOPENED: usize = 300;
/// Sockets that open at the same time.
const OPENING: usize = 100;
/// One command of Redis serves at least so many sockets.
const SOCKETS_PER_COMMAND: u64 = 4;
/// Rows that a room writes however many sockets open: its alarm, at most once a second.
const ROWS_MAX: u64 = 10;

/// Opens a socket, and waits for its greeting; `None` if it is refused.
async fn open(url: String) -> Option<Stream> {
    let (mut stream, _) = connect_async(url).await.unwrap();
    let greeting = timeout(LONG_PATIENCE, stream.next()).await.expect("a greeting in time")?.ok()?;
    greeting.to_text().unwrap().contains(r#""connected""#).then_some(stream)
}

/// Opens all sockets, in the order of `urls`.
async fn open_all(urls: Vec<String>) -> Vec<Stream> {
    let opened: Vec<Option<Stream>> = iter(urls.into_iter().map(open)).buffered(OPENING).collect().await;
    opened.into_iter().map(|stream| stream.expect("the socket opens")).collect()
}

fn batched(api: &Api, device: &str) -> String {
    socket::url(api, device) + "&frames=batch"
}

/// Position before and after the next commit that comes.
async fn next_commit(stream: &mut Stream) -> (Stamp, Stamp) {
    loop {
        let message =
            timeout(PATIENCE, stream.next()).await.expect("a commit comes in time").unwrap().unwrap();
        if let Some(ServerFrame::SyncBatch(frame)) = message.to_text().ok().and_then(ServerFrame::parse) {
            return (frame.prev, frame.stamp);
        }
    }
}

/// A till of `branch` with a token that needed no sign-in. `anonymous` is a caller without one.
fn till(anonymous: &Api, shop: &Shop, branch: &str, device: &str) -> Till {
    let branch_id = Some(branch.parse().unwrap());
    let user = User { id: format!("user of {device}"), branch_id, ..cashier(&shop.client) };
    let session = format!("{}-{branch}-{device}", shop.client);
    let token = shop.world.bound_token(&user, Some(device), Some(&session), fleet::now());
    Till { api: anonymous.with_token(token), device: device.to_owned() }
}

async fn a_thousand_sockets_of_one_room_have_a_commit(shop: &'static Shop) {
    let (pusher, anonymous) = (shop.till("pusher").await, shop.anonymous());
    let till = |i: usize| till(&anonymous, shop, "1", &format!("till-{i}"));
    let url = |till: Till| batched(&till.api, &till.device);
    let began = Instant::now();
    let mut sockets = open_all((0..ROOM_SOCKETS_MAX).map(till).map(url).collect()).await;
    println!("{} sockets opened within {:?}", sockets.len(), began.elapsed());
    assert!(open(url(till(ROOM_SOCKETS_MAX))).await.is_none(), "one more than a room takes");
    for i in 0..3 {
        let began = Instant::now();
        let records: Vec<_> = (0..50).map(|j| product(&format!("p{i}-{j}"), &json!({}))).collect();
        let pushed = pusher.push(&records).await;
        let heard = join_all(sockets.iter_mut().map(next_commit)).await;
        assert!(heard.iter().all(|commit| *commit == (pushed.prev, pushed.stamp)), "{heard:?}");
        println!("all sockets had a push of 50 after {:?}", began.elapsed());
    }
    let presence = shop.manager().await.get("/api/presence").await.unwrap();
    assert_eq!(presence.ok::<PresenceResponse>().unwrap().online.len(), ROOM_SOCKETS_MAX);
}

async fn a_hundred_rooms_at_once_have_their_own_commits(shop: &'static Shop) {
    let branches: Vec<String> = (0..ROOMS).map(|i| format!("b{i}")).collect();
    let (mut urls, anonymous) = (Vec::new(), shop.anonymous());
    for branch in &branches {
        shop.branch(branch).await;
        for i in 0..SOCKETS_PER_ROOM {
            let till = till(&anonymous, shop, branch, &format!("till-{i}"));
            urls.push(batched(&till.api, &till.device));
        }
    }
    let mut sockets = open_all(urls).await;
    let pushers: Vec<Till> = branches.iter().map(|branch| till(&anonymous, shop, branch, "pusher")).collect();
    for i in 0..2 {
        let began = Instant::now();
        let record = [product(&format!("p{i}"), &json!({}))];
        let pushed: Vec<PushResponse> = join_all(pushers.iter().map(|till| till.push(&record))).await;
        let heard = join_all(sockets.iter_mut().map(next_commit)).await;
        for (room, (heard, pushed)) in heard.chunks(SOCKETS_PER_ROOM).zip(&pushed).enumerate() {
            let expected = [(pushed.prev, pushed.stamp); SOCKETS_PER_ROOM];
            assert_eq!(heard, expected, "{}", branches[room]);
        }
        println!("{ROOMS} rooms had a push each after {:?}", began.elapsed());
    }
}

/// Rows that a room has written, by the call of its storage.
async fn rows(edge: &ChangedEdge) -> BTreeMap<String, u64> {
    edge.observe("writes", "1:1").await
}

/// A deployment drops all sockets of a room and its memory, and all tills come back at once.
async fn sockets_that_open_again_cost_next_to_nothing(_: &'static Shop) {
    let edge = ChangedEdge::start(with_observed_rooms).await;
    let keys = Keys::load_or_make(edge.stack.data()).unwrap();
    let signer = Signer::new(keys.access_key.expose(), keys.access_kid.clone()).unwrap();
    let anonymous = edge.api();
    let url = |i: usize| {
        let (device, user) = (format!("till-{i}"), User { id: format!("u{i}"), ..cashier("1") });
        let session = Some(format!("s{i}").parse().unwrap());
        let token = signer.sign(&user, Some(device.parse().unwrap()), session, fleet::now()).unwrap();
        batched(&anonymous.with_token(token), &device)
    };
    let urls: Vec<String> = (0..REOPENED).map(url).collect();
    let sockets = open_all(urls.clone()).await;
    let stored = async || rows(&edge).await.get("put").copied();
    poll(PATIENCE, stored, |stored| *stored == Some(REOPENED as u64)).await.expect("a row for each device");
    let (rows_before, redis_before) = (rows(&edge).await, edge.stack.redis().front().counts());
    let functions = async || edge.stack.telemetry().counted().functions.values().sum::<u64>();
    let functions_before = functions().await;

    edge.kill("1:1").await;
    drop(sockets);
    let began = Instant::now();
    let mut sockets = open_all(urls).await;
    println!("{REOPENED} sockets opened again within {:?}", began.elapsed());
    let redis = edge.stack.redis().front().counts() - redis_before;
    let rows_after = rows(&edge).await;
    println!("which took {redis:?}, and in rows {rows_before:?} and then {rows_after:?}");
    assert!(redis.commands * SOCKETS_PER_COMMAND <= REOPENED as u64, "{redis:?}");
    assert!(redis.commands > 0, "Redis was not asked whether the sessions go on");
    assert_eq!(rows_after.get("put"), rows_before.get("put"), "the devices were known");
    let total = |rows: &BTreeMap<String, u64>| rows.values().sum::<u64>();
    assert!(total(&rows_after) - total(&rows_before) <= ROWS_MAX, "{rows_before:?} {rows_after:?}");
    assert_eq!(functions().await, functions_before, "no function was called");

    // No device has left meanwhile: presence is as before, and every socket works.
    tokio::time::sleep(Duration::from_secs(4)).await;
    let manager = edge.caller(&User { role: Role::Manager, ..cashier("1") });
    let presence: PresenceResponse = manager.get("/api/presence").await.unwrap().ok().unwrap();
    assert_eq!((presence.online.len(), presence.offline.len()), (REOPENED, 0));
    let pusher = edge.till("1:1", "pusher").await;
    let pushed = pusher.push(&[product("p1", &json!({}))]).await;
    let heard = join_all(sockets.iter_mut().map(next_commit)).await;
    assert!(heard.iter().all(|(_, stamp)| *stamp == pushed.stamp), "{heard:?}");
    edge.stop().await;
}
