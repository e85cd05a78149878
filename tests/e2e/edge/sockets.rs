//! Limits of sockets: frames per second, and sockets per device and session.

use std::time::{Duration, Instant};

use protocol::limits::{
    FRAMES_BURST_MAX, FRAMES_PER_SEC_MAX, SOCKETS_PER_DEVICE_MAX, SOCKETS_PER_SESSION_MAX,
};
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::shop::{Shop, product};
use crate::sync::broadcast::Listener;

trials! {
    shared:
    a_flood_of_frames_closes_its_socket_and_no_other,
    frames_at_the_allowed_rate_are_all_answered,
    one_socket_too_many_replaces_the_oldest_of_its_device,
    one_socket_too_many_replaces_the_oldest_of_its_session,
    a_device_id_claimed_by_another_user_replaces_no_socket,
    the_server_answers_a_close,
}

/// Longest time until the server answers a close; it takes milliseconds on an idle machine.
const CLOSE_PATIENCE: Duration = Duration::from_secs(3);
/// Frames of the flood.
const FLOOD: usize = 2000;
/// Floods until another socket waits no longer than that.
const FLOODS_MAX: usize = 10;
/// How much longer another socket may wait during the flood.
const FLOOD_DELAY_MAX: Duration = Duration::from_millis(50);

fn replaced() -> (u16, String) {
    (4410, "replaced by a newer socket".to_owned())
}

async fn a_flood_of_frames_closes_its_socket_and_no_other(shop: &'static Shop) {
    let (one, two) = (shop.till("till-1").await, shop.till("till-2").await);
    let mut other = Listener::open(&two.api, "till-2").await;
    let subscribe = json!({ "type": "subscribe", "room": format!("{}:1", shop.client) });
    let mut waits = Vec::new();
    // Other work on this machine delays a socket too, so one flood in time is enough.
    while !waits.iter().any(|&(quiet, flooded)| flooded <= quiet + FLOOD_DELAY_MAX) {
        assert!(waits.len() < FLOODS_MAX, "without a flood and behind {FLOOD} frames: {waits:?}");
        let quiet = pong_of_the_room(&mut other).await;
        let mut hostile = Listener::open(&one.api, "till-1").await;
        let started = Instant::now();
        hostile.send_all(&vec![subscribe.clone(); FLOOD]).await;
        waits.push((quiet, pong_of_the_room(&mut other).await));
        let (answers, close) = hostile.texts_until_close().await;
        assert_eq!(close, (4429, "too many frames".to_owned()));
        let elapsed = started.elapsed().as_secs();
        let allowed = FRAMES_BURST_MAX + FRAMES_PER_SEC_MAX * elapsed + FRAMES_PER_SEC_MAX;
        assert!((FRAMES_BURST_MAX..=allowed).contains(&(answers as u64)), "{answers} answers");
    }
    // The room still works, for the till that was closed too.
    let mut again = Listener::open(&one.api, "till-1").await;
    two.push(&[product("p1", &json!({}))]).await;
    assert_eq!(again.next_sync().await.record_id, "p1");
    other.assert_no_frame().await;
}

/// How long the room takes to answer a ping. Without the space, the runtime would answer.
async fn pong_of_the_room(listener: &mut Listener) -> Duration {
    let asked = Instant::now();
    listener.send_text(r#"{"type": "ping"}"#).await;
    assert_eq!(listener.next().await["type"], "pong");
    asked.elapsed()
}

async fn frames_at_the_allowed_rate_are_all_answered(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    let mut listener = Listener::open(&till.api, "till-1").await;
    for _ in 0..2 {
        let frames = vec![json!({ "type": "hello" }); usize::try_from(FRAMES_BURST_MAX).unwrap()];
        listener.send_all(&frames).await;
        for _ in frames {
            assert_eq!(listener.next().await["code"], "bad_frame");
        }
        sleep(Duration::from_millis(1000 * FRAMES_BURST_MAX / FRAMES_PER_SEC_MAX + 100)).await;
    }
    listener.assert_no_frame().await;
}

async fn one_socket_too_many_replaces_the_oldest_of_its_device(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    let mut listeners = Vec::new();
    for _ in 0..=SOCKETS_PER_DEVICE_MAX {
        listeners.push(Listener::open(&till.api, "till-1").await);
        // The runtime's clock has milliseconds.
        sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(listeners[0].close_frame().await, replaced());
    let other = shop.till("till-2").await;
    other.push(&[product("p1", &json!({}))]).await;
    for listener in &mut listeners[1..] {
        assert_eq!(listener.next_sync().await.record_id, "p1");
    }
}

async fn one_socket_too_many_replaces_the_oldest_of_its_session(shop: &'static Shop) {
    let (api, _) = shop.session("till-1", "1", None).await;
    let mut listeners = Vec::new();
    for i in 0..=SOCKETS_PER_SESSION_MAX {
        listeners.push(Listener::open(&api, &format!("device-{i}")).await);
        sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(listeners[0].close_frame().await, replaced());
    for listener in &mut listeners[1..] {
        listener.assert_no_frame().await;
    }
}

async fn a_device_id_claimed_by_another_user_replaces_no_socket(shop: &'static Shop) {
    let (till, (other, _)) = (shop.till("till-1").await, shop.session("other", "1", None).await);
    let mut own = Listener::open(&till.api, "till-1").await;
    let mut claimed = Vec::new();
    for _ in 0..=SOCKETS_PER_DEVICE_MAX {
        claimed.push(Listener::open(&other, "till-1").await);
        sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(claimed[0].close_frame().await, replaced());
    own.send(&Value::from("anything")).await;
    assert_eq!(own.next().await["code"], "bad_frame");
}

async fn the_server_answers_a_close(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    for (code, answer) in [(Some(1000), 1000), (Some(1001), 1001), (Some(4000), 4000), (None, 1000)] {
        let mut listener = Listener::open(&till.api, "till-1").await;
        listener.assert_no_frame().await;
        let asked = Instant::now();
        assert_eq!(listener.close(code).await, Some(answer));
        // Without an answer, clients wait for 10 seconds or more.
        assert!(asked.elapsed() < CLOSE_PATIENCE, "{code:?}: {:?}", asked.elapsed());
        println!("the close {code:?} was answered after {:?}", asked.elapsed());
    }
}
