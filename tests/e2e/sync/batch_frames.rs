//! `/ws?frames=batch`: one frame for each commit.

use std::collections::BTreeSet;

use protocol::limits::PUSH_RECORDS_MAX;
use protocol::stamp::Stamp;
use serde_json::{Value, json};
use sync::limits::LOG_ITEM_BYTES_MAX;

use super::broadcast::Listener;
use crate::shop::{Shop, advance, deletion, product};

trials! {
    shared:
    a_push_of_fifty_is_one_frame_for_each_till,
    what_the_role_may_not_read_makes_a_gap,
    a_frame_has_what_a_pull_has,
    a_large_commit_comes_in_several_frames,
}

/// Tills that listen.
const TILLS: usize = 10;

async fn a_push_of_fifty_is_one_frame_for_each_till(shop: &'static Shop) {
    let (pusher, other) = (shop.till("till-1").await, shop.till("till-2").await);
    let mut listeners = Vec::new();
    for i in 0..TILLS {
        let till = shop.till(&format!("listener-{i}")).await;
        listeners.push(Listener::open_batched(&till.api, &till.device).await);
    }
    let mut single = Listener::open(&other.api, "till-2").await;
    let mut own = Listener::open_batched(&pusher.api, "till-1").await;
    let records: Vec<Value> =
        (0..PUSH_RECORDS_MAX).map(|i| product(&format!("p{i}"), &json!({ "n": i }))).collect();
    let response = pusher.push(&records).await;
    for listener in &mut listeners {
        let frame = listener.next_batch().await;
        assert_eq!((frame.prev, frame.stamp), (response.prev, response.stamp));
        assert_eq!(frame.changes.len(), PUSH_RECORDS_MAX);
        // Nothing follows, so these were 10 frames, not 500.
        listener.assert_no_frame().await;
    }
    for _ in 0..PUSH_RECORDS_MAX {
        single.next_sync().await;
    }
    single.assert_no_frame().await;
    own.assert_no_frame().await;
}

/// An instance with older rules may hide what the reader may read, so only a pull passes over it.
async fn what_the_role_may_not_read_makes_a_gap(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    let office = shop.office().await;
    let mut cashier = Listener::open_batched(&till.api, "till-1").await;
    let mut manager = Listener::open_batched(&office.api, "office-2").await;
    let mixed = office.push(&[product("p1", &json!({})), advance("a1")]).await;
    let hidden = office.push(&[advance("a2")]).await;
    // By the stream as well.
    shop.world.host_faults.cut_fast_path(&shop.client);
    let streamed = office.push(&[advance("a3"), product("p2", &json!({}))]).await;
    for (commit, read_by_cashier, read_by_manager) in
        [(mixed, &[][..], &["p1", "a1"][..]), (hidden, &[], &["a2"]), (streamed, &["p2"], &["a3", "p2"])]
    {
        let after_hidden = commit.stamp.0 - read_by_cashier.len() as u64;
        for (listener, prev, read) in [
            (&mut cashier, Stamp(after_hidden), read_by_cashier),
            (&mut manager, commit.prev, read_by_manager),
        ] {
            let frame = listener.next_batch().await;
            assert_eq!((frame.prev, frame.stamp), (prev, commit.stamp));
            let ids: Vec<&str> = frame.changes.iter().map(|change| change.record_id.as_str()).collect();
            assert_eq!(ids, read);
        }
    }
}

async fn a_frame_has_what_a_pull_has(shop: &'static Shop) {
    let (one, two) = (shop.till("till-1").await, shop.till("till-2").await);
    let mut listener = Listener::open_batched(&two.api, "till-2").await;
    one.push(&[product("p1", &json!({ "name": "Tee – Ä" }))]).await;
    one.push(&[deletion("p1", 1), product("p2", &json!({}))]).await;
    let frames = [listener.next_batch().await, listener.next_batch().await];
    let received: Vec<_> = frames.iter().flat_map(|frame| &frame.changes).cloned().collect();
    assert_eq!(received, two.pull_all(Stamp::ZERO, 100).await);
}

async fn a_large_commit_comes_in_several_frames(shop: &'static Shop) {
    const RECORDS: usize = 16;
    let (one, two) = (shop.till("till-1").await, shop.till("till-2").await);
    let mut listener = Listener::open_batched(&two.api, "till-2").await;
    let data = json!({ "text": "x".repeat(60_000) });
    let records: Vec<Value> = (0..RECORDS).map(|i| product(&format!("p{i}"), &data)).collect();
    let response = one.push(&records).await;
    let (mut position, mut ids, mut frames) = (response.prev, BTreeSet::new(), 0);
    while position < response.stamp {
        let frame = listener.next_batch().await;
        assert_eq!(frame.prev, position);
        let bytes: usize = frame.changes.iter().map(|change| change.data.as_str().len()).sum();
        assert!(bytes <= LOG_ITEM_BYTES_MAX, "{bytes}");
        ids.extend(frame.changes.into_iter().map(|change| change.record_id));
        (position, frames) = (frame.stamp, frames + 1);
    }
    assert_eq!((ids.len(), position), (RECORDS, response.stamp));
    assert!(frames > 1);
    listener.assert_no_frame().await;
}
