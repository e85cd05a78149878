//! Subscriptions and the monitor.

use reqwest::{Method, Response};
use tokio::io::AsyncReadExt;

use crate::world::{DEADLINE, READ_ONLY, TOKEN, World, connect, send, until};

/// The events of a response, one at a time.
struct Events {
    response: Response,
    rest: String,
}

impl Events {
    async fn open(world: &World, method: Method, path: &str) -> Events {
        // The client's own deadline would end the stream.
        let request = reqwest::Client::builder().no_proxy().build().unwrap();
        let request = request.request(method, format!("{}{path}", world.server.url())).body("[]");
        let response = request.bearer_auth(TOKEN).header("Accept", "text/event-stream").send().await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Events { response, rest: String::new() }
    }

    /// The text of the next event; nothing at the end.
    async fn next(&mut self) -> Option<String> {
        loop {
            if let Some((event, rest)) = self.rest.split_once("\n\n") {
                let event = event.strip_prefix("data: ").expect("an event is data").to_owned();
                self.rest = rest.to_owned();
                return Some(event);
            }
            let chunk =
                tokio::time::timeout(DEADLINE, self.response.chunk()).await.expect("an event in time");
            self.rest += std::str::from_utf8(&chunk.ok()??).unwrap();
        }
    }
}

async fn subscribers(world: &World, channel: &str) -> String {
    world.command(&format!(r#"["PUBSUB","NUMSUB","{channel}"]"#)).await
}

pub(crate) async fn subscription_gets_messages(world: World) {
    for method in [Method::POST, Method::GET] {
        let mut events = Events::open(&world, method, "/subscribe/chat/other%20one").await;
        assert_eq!(events.next().await.unwrap(), "subscribe,chat,1");
        assert_eq!(events.next().await.unwrap(), "subscribe,other one,2");
        assert_eq!(world.post("/publish/chat/hello", "").await.text(), r#"{"result":1}"#);
        assert_eq!(events.next().await.unwrap(), "message,chat,hello");
        world.post("/publish/other%20one", r#"{"a":"b,c"}"#).await;
        assert_eq!(events.next().await.unwrap(), r#"message,other one,{"a":"b,c"}"#);
        world.command(r#"["PUBLISH","chat","two\nlines"]"#).await;
        assert_eq!(events.next().await.unwrap(), "message,chat,two\ndata: lines");
        drop(events);
        until("the subscription to end", async || subscribers(&world, "chat").await.contains(",0]")).await;
    }
}

pub(crate) async fn pattern_subscription(world: World) {
    let mut events = Events::open(&world, Method::POST, "/psubscribe/user:*").await;
    assert_eq!(events.next().await.unwrap(), "psubscribe,user:*,1");
    world.post("/publish/user:1/in", "").await;
    assert_eq!(events.next().await.unwrap(), "pmessage,user:*,user:1,in");
}

pub(crate) async fn disconnected_clients_are_unsubscribed(world: World) {
    let mut events = Vec::new();
    for _ in 0..3 {
        events.push(Events::open(&world, Method::GET, "/subscribe/chat").await);
    }
    until("three subscribers", async || subscribers(&world, "chat").await.contains(",3]")).await;
    events.truncate(1);
    until("one subscriber", async || subscribers(&world, "chat").await.contains(",1]")).await;
    world.post("/publish/chat/still", "").await;
    assert_eq!(events[0].next().await.unwrap(), "subscribe,chat,1");
    assert_eq!(events[0].next().await.unwrap(), "message,chat,still");
}

/// A client that subscribes and never reads.
pub(crate) async fn slow_clients_are_disconnected(world: World) {
    let mut slow = connect(&world.server, "/subscribe/flood").await;
    until("the subscription", async || subscribers(&world, "flood").await.contains(",1]")).await;
    let mut reader = Events::open(&world, Method::GET, "/subscribe/flood").await;
    assert_eq!(reader.next().await.unwrap(), "subscribe,flood,1");
    let message = "x".repeat(500_000);
    let publish = format!(r#"["PUBLISH","flood","{message}"]"#);
    let mut sent = 0;
    while subscribers(&world, "flood").await.contains(",2]") {
        world.command(&publish).await;
        assert_eq!(reader.next().await.unwrap().len(), "message,flood,".len() + message.len());
        sent += 1;
        assert!(sent < 200, "the slow client is not disconnected");
    }
    assert!(sent * message.len() > 4 * 1024 * 1024, "disconnected too early, after {sent} messages");
    assert!(subscribers(&world, "flood").await.contains(",1]"), "the other one stays");
    // Cut off without the final chunk, so that it does not take the stream for complete.
    let mut got = Vec::new();
    let end = tokio::time::timeout(DEADLINE, slow.read_to_end(&mut got)).await.expect("it is disconnected");
    assert!(end.is_err() || !got.ends_with(b"0\r\n\r\n"), "the stream looks complete");
    assert!(got.len() < sent * message.len());
}

pub(crate) async fn monitor_shows_commands(world: World) {
    let mut events = Events::open(&world, Method::POST, "/monitor").await;
    assert_eq!(events.next().await.unwrap(), "\"OK\"");
    world.command(r#"["SET","k","a b\""]"#).await;
    let line = events.next().await.unwrap();
    let (time, shown) = line.split_once(' ').unwrap();
    assert_eq!(shown, r#"[0 0.0.0.0:0] "SET" "k" "a b\"""#);
    let (seconds, micros) = time.split_once('.').unwrap();
    assert!(seconds.parse::<u64>().unwrap() > 1_700_000_000 && micros.len() == 6, "{time}");
}

pub(crate) async fn engine_death_ends_streams(world: World) {
    let mut events = Events::open(&world, Method::GET, "/subscribe/chat").await;
    assert_eq!(events.next().await.unwrap(), "subscribe,chat,1");
    world.engine.kill().await;
    assert_eq!(events.next().await, None);
    let request = world.request(Method::GET, "/subscribe/chat").bearer_auth(READ_ONLY);
    assert_eq!(send(request).await.status, 503);
}
