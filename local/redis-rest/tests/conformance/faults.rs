//! Injected faults.

use std::time::{Duration, Instant};

use redis_rest::faults::Fault;
use reqwest::Method;
use tokio::io::AsyncReadExt;

use crate::world::{TOKEN, World, connect, try_send};

async fn fails(world: &World, json: &str) -> bool {
    try_send(world.request(Method::POST, "/").bearer_auth(TOKEN).body(json.to_owned())).await.is_err()
}

pub(crate) async fn refused_requests_are_not_executed(world: World) {
    world.server.faults().inject(Fault::Refuse, 2);
    assert!(fails(&world, r#"["SET","a","1"]"#).await);
    assert!(fails(&world, r#"["SET","a","1"]"#).await);
    assert_eq!(world.command(r#"["EXISTS","a"]"#).await, r#"{"result":0}"#);
    assert_eq!(world.server.counts().requests, 3);
}

/// The connection is closed before the first byte of a response.
pub(crate) async fn connections_are_closed_without_a_response(world: World) {
    for fault in [Fault::Refuse, Fault::LoseResponse] {
        world.server.faults().inject(fault, 1);
        let mut received = Vec::new();
        let end = connect(&world.server, "/ping").await.read_to_end(&mut received).await;
        assert!(received.is_empty(), "{fault:?}: {end:?} after {}", String::from_utf8_lossy(&received));
    }
}

pub(crate) async fn requests_with_lost_responses_are_executed(world: World) {
    world.server.faults().inject(Fault::LoseResponse, 1);
    assert!(fails(&world, r#"["INCR","a"]"#).await);
    assert_eq!(world.command(r#"["INCR","a"]"#).await, r#"{"result":2}"#);
}

pub(crate) async fn injected_statuses_are_sent(world: World) {
    world.server.faults().begin(Fault::Status(500));
    for _ in 0..3 {
        let response = world.post("/", r#"["SET","a","1"]"#).await;
        assert_eq!((response.status, response.text().as_str()), (500, r#"{"error":"ERR injected fault"}"#));
    }
    world.server.faults().lift();
    assert_eq!(world.command(r#"["EXISTS","a"]"#).await, r#"{"result":0}"#);
}

pub(crate) async fn responses_are_delayed(world: World) {
    let time = Duration::from_millis(200);
    world.server.faults().inject(Fault::Delay(time), 1);
    let started = Instant::now();
    assert_eq!(world.command(r#"["PING"]"#).await, r#"{"result":"PONG"}"#);
    assert!(started.elapsed() >= time);
}

pub(crate) async fn responses_are_held(world: World) {
    world.server.faults().begin(Fault::Hold);
    let held = world.command(r#"["SET","a","1"]"#);
    tokio::pin!(held);
    let soon = tokio::time::timeout(Duration::from_millis(200), &mut held).await;
    assert!(soon.is_err(), "the response is not held");
    world.server.faults().lift();
    assert_eq!(held.await, r#"{"result":"OK"}"#);
    assert_eq!(world.command(r#"["GET","a"]"#).await, r#"{"result":"1"}"#);
}
