//! Injected faults.

use std::time::Duration;

use redis_rest::faults::Fault;
use reqwest::Method;
use tokio::io::AsyncReadExt;

use crate::world::{TOKEN, World, connect, try_send};

async fn fails(world: &World, json: &str) -> bool {
    try_send(world.request(Method::POST, "/").bearer_auth(TOKEN).body(json.to_owned())).await.is_err()
}

/// The connection is closed before the first byte of a response.
pub(crate) async fn refused_requests_get_no_response_and_are_not_executed(world: World) {
    world.server.faults().begin(Fault::Refuse);
    assert!(fails(&world, r#"["SET","a","1"]"#).await);
    assert!(fails(&world, r#"["SET","a","1"]"#).await);
    let mut received = Vec::new();
    let end = connect(&world.server, "/ping").await.read_to_end(&mut received).await;
    assert!(received.is_empty(), "{end:?} after {}", String::from_utf8_lossy(&received));
    world.server.faults().lift();
    assert_eq!(world.command(r#"["EXISTS","a"]"#).await, r#"{"result":0}"#);
    assert_eq!(world.server.counts().requests, 4);
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
