//! The hub of a client: head office hears the commits of all branches over one socket.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use auth::limits::ACCESS_TOKEN_SECS;
use protocol::limits::{FRAMES_BURST_MAX, HUB_BRANCHES_MAX, SOCKETS_PER_DEVICE_MAX, TENANT_ID_BYTES_MAX};
use protocol::role::Role;
use protocol::stamp::Stamp;
use protocol::wire::auth::User;
use serde_json::{Value, json};
use tests::api::Api;
use tests::fleet;
use tests::till::socket;
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::accounts::sessions::end;
use crate::shop::{Shop, before_now, product};
use crate::sync::broadcast::Listener;
use crate::till::Till;
use crate::world::cashier;

mod failures;

trials! {
    shared:
    head_office_hears_every_commit_of_twenty_branches_in_order,
    the_stream_reaches_head_office_without_the_fast_path,
    head_office_subscribes_to_named_branches,
    a_socket_names_a_hundred_branches,
    only_head_office_may_use_the_hub,
    a_socket_of_the_hub_is_renewed_and_replaced_like_any_other,
    an_ended_session_closes_its_sockets_in_the_hub;
    modules: failures
}

const BRANCHES: usize = 20;
const PUSHES: usize = 50;

/// Previous and last stamp of each commit, by the name of its room.
type Commits = BTreeMap<String, Vec<(Stamp, Stamp)>>;

/// A till of a new branch, with a token that needed no sign-in.
async fn till_of(shop: &Shop, branch: &str) -> Till {
    shop.branch(branch).await;
    let user = User { branch_id: Some(branch.parse().unwrap()), ..cashier(&shop.client) };
    let token = shop.world.bound_token(&user, Some("till-1"), None, fleet::now());
    Till { api: shop.anonymous().with_token(token), device: "till-1".to_owned() }
}

/// Each till pushes that often, beside the others. Returns the commits.
async fn push_all(tills: Vec<(String, Till)>, pushes: usize) -> Commits {
    let mut tasks = JoinSet::new();
    for (room, till) in tills {
        tasks.spawn(async move {
            let mut commits = Vec::new();
            for i in 0..pushes {
                let pushed = till.push(&[product(&fleet::batch_id(), &json!({ "n": i }))]).await;
                commits.push((pushed.prev, pushed.stamp));
            }
            (room, commits)
        });
    }
    tasks.join_all().await.into_iter().collect()
}

/// Adds the commit of a frame to those that were heard. Doubles are dropped, as by a till.
fn hear(heard: &mut Commits, frame: &Value) {
    let stamp = |name: &str| Stamp(frame[name].as_u64().unwrap_or_else(|| panic!("{frame} is no commit")));
    let commits = heard.entry(frame["room"].as_str().unwrap().to_owned()).or_default();
    let position = commits.last().map_or(Stamp::ZERO, |(_, stamp)| *stamp);
    if stamp("stamp") > position {
        commits.push((stamp("prev"), stamp("stamp")));
    }
}

fn count(commits: &Commits) -> usize {
    commits.values().map(Vec::len).sum()
}

async fn head_office_hears_every_commit_of_twenty_branches_in_order(shop: &'static Shop) {
    let office = shop.head_office().await;
    let url = format!("{}&frames=batch", socket::url(&office, "office"));
    let (batched, greeting) = Listener::greeted(&url, &office).await;
    let hub = format!("{}:*", shop.client);
    assert_eq!(greeting, json!({ "type": "connected", "room": hub }), "a hub tells no head");
    let single = Listener::open(&office, "office-2").await;
    let mut tills = Vec::new();
    for i in 0..BRANCHES {
        let branch = format!("b{i}");
        tills.push((shop.room(&branch).to_string(), till_of(shop, &branch).await));
    }
    let pushing = tokio::spawn(push_all(tills, PUSHES));
    let mut all_heard = Vec::new();
    for (mut listener, kind) in [(batched, "sync_batch"), (single, "sync")] {
        let mut heard = Commits::new();
        while count(&heard) < BRANCHES * PUSHES {
            let frame = listener.next().await;
            assert_eq!(frame["type"], kind, "{frame}");
            hear(&mut heard, &frame);
        }
        assert_eq!(listener.head_by(r#"{"type": "ping"}"#).await, None);
        all_heard.push(heard);
    }
    let pushed = pushing.await.unwrap();
    // Each commit follows the one before it, so none is missing and none came too early.
    for heard in all_heard {
        assert_eq!(heard, pushed);
    }
}

async fn the_stream_reaches_head_office_without_the_fast_path(shop: &'static Shop) {
    let office = shop.head_office().await;
    let mut listener = Listener::open_batched(&office, "office").await;
    let till = shop.till("till-1").await;
    shop.world.host_faults.cut_fast_path(&shop.client);
    let pushed = till.push(&[product("p1", &json!({})), product("p2", &json!({}))]).await;
    let frame = listener.next_batch().await;
    assert_eq!((frame.prev, frame.stamp, frame.changes.len()), (pushed.prev, pushed.stamp, 2));
    assert_eq!(frame.room, shop.room("1").to_string());
    assert!(frame.changes.iter().all(|change| change.branch_id == "1"));
}

/// Sends a frame and returns the type of its answer, or the code of an error. Late commits are passed over.
async fn asked(listener: &mut Listener, kind: &str, room: &str) -> String {
    listener.send(&json!({ "type": kind, "room": room })).await;
    loop {
        let answer = listener.next().await;
        match answer["type"].as_str().unwrap() {
            "sync" | "sync_batch" => {}
            "error" => return answer["code"].as_str().unwrap().to_owned(),
            other => return other.to_owned(),
        }
    }
}

async fn head_office_subscribes_to_named_branches(shop: &'static Shop) {
    let office = shop.head_office().await;
    let mut listener = Listener::open_batched(&office, "office").await;
    let tills = [till_of(shop, "1").await, till_of(shop, "2").await, till_of(shop, "3").await];
    let name = |branch: &str| format!("{}:{branch}", shop.client);
    let heard_from = async |listener: &mut Listener, expected: &[&str]| {
        let mut stamps = Vec::new();
        for till in &tills {
            stamps.push(till.push(&[product(&fleet::batch_id(), &json!({}))]).await.stamp);
        }
        // Once another socket has heard all, so has this one what it should hear.
        let mut all = Listener::open_batched(&office, "office-2").await;
        stamps.push(tills[0].push(&[product(&fleet::batch_id(), &json!({}))]).await.stamp);
        while all.next_batch().await.stamp != stamps[3] {}
        listener.send(&json!({ "type": "hello" })).await;
        let mut heard = BTreeSet::new();
        loop {
            let frame = listener.next().await;
            if frame["type"] == "error" {
                break;
            }
            if stamps.contains(&Stamp(frame["stamp"].as_u64().unwrap())) {
                heard.insert(frame["room"].as_str().unwrap().to_owned());
            }
        }
        assert_eq!(heard, expected.iter().map(|branch| name(branch)).collect());
    };
    heard_from(&mut listener, &["1", "2", "3"]).await;
    assert_eq!(asked(&mut listener, "unsubscribe", &name("1")).await, "bad_frame");
    for branch in ["1", "3", "1"] {
        assert_eq!(asked(&mut listener, "subscribe", &name(branch)).await, "subscribed");
    }
    heard_from(&mut listener, &["1", "3"]).await;
    assert_eq!(asked(&mut listener, "unsubscribe", &name("1")).await, "unsubscribed");
    heard_from(&mut listener, &["3"]).await;
    assert_eq!(asked(&mut listener, "unsubscribe", &name("3")).await, "unsubscribed");
    heard_from(&mut listener, &[]).await;
    assert_eq!(asked(&mut listener, "subscribe", &name("*")).await, "subscribed");
    heard_from(&mut listener, &["1", "2", "3"]).await;
    assert_eq!(asked(&mut listener, "unsubscribe", &name("*")).await, "unsubscribed");
    heard_from(&mut listener, &[]).await;
    for foreign in ["another:1", "another:*", "*", "*:*", "", "1"] {
        assert_eq!(asked(&mut listener, "subscribe", foreign).await, "room_forbidden", "{foreign}");
    }
}

async fn a_socket_names_a_hundred_branches(shop: &'static Shop) {
    let office = shop.head_office().await;
    let mut listener = Listener::open_batched(&office, "office").await;
    // The longest names, so that the attachment of the socket is as large as it can be.
    let branch = |i: usize| format!("{}-{i:04}", "b".repeat(TENANT_ID_BYTES_MAX - 5));
    let name = |i: usize| format!("{}:{}", shop.client, branch(i));
    let burst = usize::try_from(FRAMES_BURST_MAX).unwrap() / 2;
    for i in 0..HUB_BRANCHES_MAX {
        assert_eq!(asked(&mut listener, "subscribe", &name(i)).await, "subscribed");
        if i % burst == burst - 1 {
            sleep(Duration::from_secs(1)).await;
        }
    }
    assert_eq!(asked(&mut listener, "subscribe", &name(HUB_BRANCHES_MAX)).await, "too_many_branches");
    assert_eq!(asked(&mut listener, "subscribe", &name(0)).await, "subscribed");
    let last = till_of(shop, &branch(HUB_BRANCHES_MAX - 1)).await;
    let other = till_of(shop, &branch(HUB_BRANCHES_MAX)).await;
    other.push(&[product("p1", &json!({}))]).await;
    last.push(&[product("p2", &json!({}))]).await;
    assert_eq!(listener.next_batch().await.room, name(HUB_BRANCHES_MAX - 1));
}

async fn only_head_office_may_use_the_hub(shop: &'static Shop) {
    let (cashier, pusher) = (shop.till("till-1").await, shop.till("till-2").await);
    let callers: [(Api, &str); 3] =
        [(cashier.api, "till-1"), (shop.manager().await, "office"), (shop.admin().await, "admin")];
    for (api, device) in callers {
        let mut listener = Listener::open(&api, device).await;
        for room in [format!("{}:*", shop.client), format!("{}:2", shop.client), "another:*".to_owned()] {
            assert_eq!(asked(&mut listener, "subscribe", &room).await, "room_forbidden");
            assert_eq!(asked(&mut listener, "unsubscribe", &room).await, "room_forbidden");
        }
        // The socket stays, and its subscription too.
        let pushed = pusher.push(&[product(&fleet::batch_id(), &json!({}))]).await;
        assert_eq!(listener.next_sync().await.stamp, pushed.stamp);
    }
    // Another client's head office hears nothing of it.
    let other = shop.other_tenant();
    let mut foreign = Listener::open(&other.head_office().await, "office").await;
    let mut own = Listener::open(&shop.head_office().await, "office").await;
    pusher.push(&[product("p9", &json!({}))]).await;
    assert_eq!(own.next_sync().await.record_id, "p9");
    foreign.assert_no_frame().await;
}

async fn a_socket_of_the_hub_is_renewed_and_replaced_like_any_other(shop: &'static Shop) {
    let world = shop.world;
    let user = User { role: Role::SuperAdmin, branch_id: None, ..cashier(&shop.client) };
    let short = world.token_of(&user, before_now(ACCESS_TOKEN_SECS - 4));
    let office = shop.anonymous().with_token(short);
    let mut listeners = Vec::new();
    for _ in 0..=SOCKETS_PER_DEVICE_MAX {
        listeners.push(Listener::open(&office, "office").await);
        sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(listeners.remove(0).close_frame().await, (4410, "replaced by a newer socket".to_owned()));
    let (mut renewed, mut foreign, mut expired) =
        (listeners.remove(0), listeners.remove(0), listeners.remove(0));
    let auth = |token: String| json!({ "type": "auth", "token": token });
    renewed.send(&auth(world.token_of(&user, fleet::now()))).await;
    assert_eq!(renewed.next().await["type"], "authenticated");
    foreign.send(&auth(world.token_of(&cashier(&shop.client), fleet::now()))).await;
    assert_eq!(foreign.close_frame().await, (4403, "token of another caller".to_owned()));
    assert_eq!(expired.close_frame().await, (4401, "token expired".to_owned()));
    let pushed = shop.till("till-1").await.push(&[product("p1", &json!({}))]).await;
    assert_eq!(renewed.next_sync().await.stamp, pushed.stamp);
}

async fn an_ended_session_closes_its_sockets_in_the_hub(shop: &'static Shop) {
    let office = shop.head_office().await;
    let mut listener = Listener::open(&office, "office").await;
    end(&office, "all").await;
    assert_eq!(listener.close_frame().await, (4401, "session ended".to_owned()));
}
