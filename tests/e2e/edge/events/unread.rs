//! A stream whose client does not read.

use std::time::Duration;

use local::stack::Options;
use protocol::role::Role;
use protocol::wire::auth::User;
use protocol::wire::presence::PresenceResponse;
use protocol::wire::push::PushResponse;
use serde_json::{Value, json};
use tests::api::Api;
use tests::wait::poll;

use super::stream::EventStream;
use crate::changed_edge::ChangedEdge;
use crate::shop::{Shop, product};
use crate::till::Till;
use crate::world::{PATIENCE, cashier};

trials! {
    shared:
    a_stream_that_is_never_read_ends_like_a_slow_socket,
}

/// Records and bytes of a large push.
const RECORDS: usize = 14;
const RECORD_BYTES: usize = 60_000;
/// Large pushes until the buffers of the systems between are full: they take about 9 MB.
const PUSHES_MAX: usize = 60;

async fn online(manager: &Api) -> Vec<String> {
    let presence: PresenceResponse = manager.get("/api/presence").await.unwrap().ok().unwrap();
    presence.online.into_iter().map(|device| device.device_id).collect()
}

async fn push_much(till: &Till, i: usize) -> PushResponse {
    let data = json!({ "note": "x".repeat(RECORD_BYTES) });
    let records = (0..RECORDS).map(|j| product(&format!("p{i}-{j}"), &data));
    till.push(&records.collect::<Vec<Value>>()).await
}

async fn a_stream_that_is_never_read_ends_like_a_slow_socket(_: &'static Shop) {
    let secs = |name| (name, "1".to_owned());
    let edge_variables = [secs("SOCKET_PING_AFTER_SECS"), secs("SOCKET_PONG_WITHIN_SECS")].into();
    let edge = ChangedEdge::with(Options { edge_variables, ..Options::default() }).await;
    let tills = edge.tills(3).await;
    let manager = edge.caller(&User { id: "boss".into(), role: Role::Manager, ..cashier("1") });
    let (reader, stuck, pusher) = (&tills[0], &tills[1], &tills[2]);
    let mut stuck_stream = EventStream::open(&stuck.api, &stuck.device, "&since=0", None).await;
    let mut reading = EventStream::open(&reader.api, &reader.device, "&since=0", None).await;
    assert_eq!(online(&manager).await, ["till-0", "till-1"]);
    // The one that reads is not disturbed, although it says nothing itself.
    tokio::time::sleep(Duration::from_secs(6)).await;
    assert_eq!(online(&manager).await, ["till-0", "till-1"]);

    let (mut all, mut pushes) = (Vec::new(), 0);
    while online(&manager).await.len() == 2 {
        assert!(pushes < PUSHES_MAX, "the stream never ends");
        let pushed = push_much(pusher, pushes).await;
        all.extend(pushed.applied.iter().map(|applied| applied.stamp));
        while reading.next().await.stamp != pushed.stamp {}
        pushes += 1;
    }
    println!("a stream that is never read ended after {pushes} large pushes");
    let read = async || online(&manager).await;
    poll(PATIENCE, read, |online| *online == ["till-0"]).await.expect("the reader stays");

    // What waited in the systems between, why it ended, and then where it was.
    let (mut seen, reason) = stuck_stream.pages_until_close().await;
    assert_eq!(reason, json!({ "code": 4409, "reason": "pull" }));
    let last_id = stuck_stream.last_id.clone();
    let mut again = EventStream::open(&stuck.api, &stuck.device, "", last_id).await;
    while seen.len() < all.len() {
        seen.extend(again.next().await.changes.iter().map(|change| change.stamp));
    }
    assert_eq!(seen, all);
    edge.stop().await;
}
