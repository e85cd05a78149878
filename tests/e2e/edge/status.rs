//! `status` frames: what a device tells of itself, which the room keeps beside its socket.

use std::sync::Arc;
use std::time::Duration;

use protocol::limits::{FRAMES_BURST_MAX, STATUS_BYTES_MAX, STATUS_EVERY_SECS};
use serde_json::{Value, json};
use tests::openapi::check::Checker;
use tokio::time::sleep;

use crate::changed_edge::{ChangedEdge, with_observed_rooms};
use crate::shop::Shop;
use crate::sync::broadcast::Listener;

trials! {
    shared:
    a_status_is_refused_that_is_too_large_or_too_soon,
    a_status_outlives_the_memory_of_its_room,
}

fn status(pending: u32) -> Value {
    json!({ "type": "status", "pending": pending, "oldest_pending_at": "2026-11-01T08:00:00+01:00", "conflicts": 2,
        "app": "Kasse 1.4 – Ä", "storage": { "used_bytes": 9_007_199_254_740_993_u64, "persisted": true } })
}

async fn a_status_is_refused_that_is_too_large_or_too_soon(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    let mut listener = Listener::open(&till.api, "till-1").await;
    let large = json!({ "type": "status", "pending": 1, "app": "x".repeat(STATUS_BYTES_MAX) });
    let malformed = json!({ "type": "status", "pending": -1 });
    for (frame, code) in [(large, "frame_too_large"), (malformed, "bad_frame")] {
        listener.send(&frame).await;
        assert_eq!(listener.next().await["code"], code);
    }
    listener.send(&status(1)).await;
    listener.assert_no_frame().await;
    // Many of them are refused, and cost the socket nothing else.
    let frames = vec![status(2); usize::try_from(FRAMES_BURST_MAX / 2).unwrap()];
    listener.send_all(&frames).await;
    for _ in frames {
        assert_eq!(listener.next().await["code"], "rate_limited");
    }
    sleep(Duration::from_secs(STATUS_EVERY_SECS)).await;
    listener.send(&status(3)).await;
    listener.assert_no_frame().await;
}

async fn a_status_outlives_the_memory_of_its_room(_: &'static Shop) {
    let edge = ChangedEdge::start(with_observed_rooms).await;
    let till = edge.tills(1).await.remove(0);
    let attachments = async || edge.observe::<Vec<Value>>("attachments", "1:1").await;
    let checked = till.api.held_to(Arc::new(Checker::new().unwrap()));
    let mut listener = Listener::open(&checked, &till.device).await;
    listener.send(&status(3)).await;
    listener.assert_no_frame().await;
    edge.observe::<Value>("forget", "1:1").await;
    listener.assert_no_frame().await;
    let kept = attachments().await.remove(0)["status"]["json"].take();
    let mut expected = status(3);
    expected["rejected"] = 0.into();
    expected.as_object_mut().unwrap().remove("type");
    assert_eq!(serde_json::from_str::<Value>(kept.as_str().unwrap()).unwrap(), expected);
    edge.stop().await;
}
