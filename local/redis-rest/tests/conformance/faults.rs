//! What is made to go wrong for tests.

use std::time::{Duration, Instant};

use redis_rest::faults::Fault;
use reqwest::Method;

use crate::world::{TOKEN, World, try_send};

async fn fails(world: &World, json: &str) -> bool {
    try_send(world.request(Method::POST, "/").bearer_auth(TOKEN).body(json.to_owned())).await.is_err()
}

pub(crate) async fn refused_requests_are_not_executed(world: World) {
    world.front.faults().inject(Fault::Refuse, 2);
    assert!(fails(&world, r#"["SET","a","1"]"#).await);
    assert!(fails(&world, r#"["SET","a","1"]"#).await);
    assert_eq!(world.command(r#"["EXISTS","a"]"#).await, r#"{"result":0}"#);
    assert_eq!(world.front.counts().requests, 3);
}

pub(crate) async fn lost_answers_are_executed(world: World) {
    world.front.faults().inject(Fault::LoseAnswer, 1);
    assert!(fails(&world, r#"["INCR","a"]"#).await);
    assert_eq!(world.command(r#"["INCR","a"]"#).await, r#"{"result":2}"#);
}

pub(crate) async fn statuses_are_answered(world: World) {
    world.front.faults().begin(Fault::Status(500));
    for _ in 0..3 {
        let answer = world.post("/", r#"["SET","a","1"]"#).await;
        assert_eq!((answer.status, answer.text().as_str()), (500, r#"{"error":"ERR injected fault"}"#));
    }
    world.front.faults().lift();
    assert_eq!(world.command(r#"["EXISTS","a"]"#).await, r#"{"result":0}"#);
}

pub(crate) async fn answers_are_late(world: World) {
    let time = Duration::from_millis(200);
    world.front.faults().inject(Fault::Delay(time), 1);
    let started = Instant::now();
    assert_eq!(world.command(r#"["PING"]"#).await, r#"{"result":"PONG"}"#);
    assert!(started.elapsed() >= time);
}

pub(crate) async fn answers_are_held(world: World) {
    world.front.faults().begin(Fault::Hold);
    let held = world.command(r#"["SET","a","1"]"#);
    tokio::pin!(held);
    let soon = tokio::time::timeout(Duration::from_millis(200), &mut held).await;
    assert!(soon.is_err(), "it was answered");
    world.front.faults().lift();
    assert_eq!(held.await, r#"{"result":"OK"}"#);
    assert_eq!(world.command(r#"["GET","a"]"#).await, r#"{"result":"1"}"#);
}
