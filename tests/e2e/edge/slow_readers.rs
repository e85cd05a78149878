//! Sockets of clients that do not read.

use std::time::{Duration, Instant};

use futures_util::{SinkExt, StreamExt};
use protocol::limits::SOCKET_BACKLOG_BYTES_MAX;
use protocol::role::Role;
use protocol::stamp::Stamp;
use protocol::wire::auth::User;
use protocol::wire::push::PushResponse;
use protocol::wire::socket::ServerFrame;
use serde::Deserialize;
use serde_json::{Value, json};
use sync::limits::LOG_ITEM_BYTES_MAX;
use tests::memory::Watched;
use tests::report::percentiles;
use tests::till::socket;
use tests::wait::poll;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::Message;

use crate::changed_edge::{ChangedEdge, with_observed_rooms, with_untold_backlogs};
use crate::shop::{Shop, product, record};
use crate::sync::broadcast::{Stream, texts_until_close};
use crate::till::Till;
use crate::world::{PATIENCE, cashier};

trials! {
    shared:
    a_socket_that_is_never_read_is_closed_and_delays_no_one,
    without_a_backlog_a_reader_must_give_signs_of_reading,
}

/// Sockets of the room, with the one that never reads.
const SOCKETS: usize = 100;
/// Records and bytes of a large push.
const RECORDS: usize = 14;
const RECORD_BYTES: usize = 60_000;
/// Large pushes until the buffers of the systems between are full: they take about 9 MB.
const PUSHES_MAX: usize = 60;
/// How many times longer a commit may take to reach all others beside a socket that is not read: the median
/// of as many pushes with it and without it. Another load of the machine comes and goes in between.
const DELAY_MAX: u32 = 2;
/// Large pushes before, which grow the runtime to what it holds anyway.
const PUSHES_BEFORE: usize = 30;
/// What one reader may cost the runtime.
const READER_BYTES_MAX: u64 = 5_000_000;

const _: () = assert!(SOCKET_BACKLOG_BYTES_MAX + (LOG_ITEM_BYTES_MAX as u64) * 2 < READER_BYTES_MAX);

fn manager(id: &str) -> User {
    User { id: id.into(), role: Role::Manager, ..cashier("1") }
}

async fn open(edge: &ChangedEdge, user: &User) -> Stream {
    let url = socket::url(&edge.caller(user), &user.id) + "&frames=batch";
    let (mut stream, _) = connect_async(url).await.unwrap();
    let greeting = stream.next().await.unwrap().unwrap();
    assert!(greeting.to_text().unwrap().contains("connected"), "{greeting}");
    stream
}

/// A client that reads, answers pings and checks that no commit is missing.
struct Reader {
    position: watch::Receiver<Stamp>,
    task: JoinHandle<()>,
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Reader {
    async fn open(edge: &ChangedEdge, user: &User) -> Reader {
        let mut stream = open(edge, user).await;
        let (to, position) = watch::channel(Stamp::ZERO);
        let task = tokio::spawn(async move {
            while let Some(Ok(message)) = stream.next().await {
                match message.to_text().ok().and_then(ServerFrame::parse) {
                    Some(ServerFrame::SyncBatch(frame)) => {
                        let before = to.send_replace(frame.stamp);
                        let follows = before == Stamp::ZERO || before == frame.prev;
                        // Cashiers may not read most commits; each test waits for the stamps of all.
                        let is_hidden = frame.changes.is_empty() && frame.prev == frame.stamp;
                        assert!(follows || is_hidden, "a commit is missing");
                    }
                    Some(ServerFrame::Ping) => {
                        stream.send(Message::text(r#"{"type":"pong"}"#)).await.unwrap();
                    }
                    _ => {}
                }
            }
        });
        Reader { position, task }
    }

    async fn reaches(&self, stamp: Stamp) {
        let mut position = self.position.clone();
        let reached = position.wait_for(|position| *position == stamp);
        tokio::time::timeout(PATIENCE, reached).await.expect("the commit comes in time").unwrap();
    }
}

/// Pushes about 900 KB that only managers may read.
async fn push_much(office: &Till, i: usize) -> PushResponse {
    let data = json!({ "amount": 5, "note": "x".repeat(RECORD_BYTES) });
    let records = (0..RECORDS).map(|j| record("employee_advances", &format!("a{i}-{j}"), &data));
    office.push(&records.collect::<Vec<Value>>()).await
}

/// Pushes much. Returns the time until every reader has it.
async fn deliver(office: &Till, i: usize, readers: &[Reader]) -> Duration {
    let began = Instant::now();
    let pushed = push_much(office, i).await;
    for reader in readers {
        reader.reaches(pushed.stamp).await;
    }
    began.elapsed()
}

/// A socket as the runtime has it.
#[derive(Debug, Deserialize)]
struct OpenSocket {
    is_open: bool,
    waiting: Option<u64>,
}

async fn sockets(edge: &ChangedEdge) -> Vec<OpenSocket> {
    edge.observe("sockets", "1:1").await
}

async fn a_socket_that_is_never_read_is_closed_and_delays_no_one(_: &'static Shop) {
    let edge = ChangedEdge::start(with_observed_rooms).await;
    // Creates the branch.
    edge.login("1:1", "till").await;
    let office = Till { api: edge.caller(&manager("office")), device: "office".into() };
    let mut readers = Vec::new();
    for i in 1..SOCKETS {
        readers.push(Reader::open(&edge, &User { id: format!("u{i}"), ..cashier("1") }).await);
    }
    let ancestor = edge.stack.edge_process_id().unwrap();
    let mut runtime = Watched::below("runtime", "workerd", ancestor).unwrap();
    // What the runtime holds where all of a hundred read.
    let last = Reader::open(&edge, &manager("last")).await;
    for i in 0..PUSHES_BEFORE {
        deliver(&office, i, &readers).await;
        runtime.read().unwrap();
    }
    drop(last);
    let all_read = std::mem::take(&mut runtime.readings).into_iter().max().unwrap();
    let mut stuck = open(&edge, &manager("stuck")).await;
    let (mut pushes, mut now, mut beside_it) = (0, sockets(&edge).await, Vec::new());
    while now.iter().all(|socket| socket.is_open) {
        assert!(pushes < PUSHES_MAX, "the reader is never closed: {now:?}");
        // All others have it while the one does not read.
        beside_it.push(deliver(&office, PUSHES_BEFORE + pushes, &readers).await);
        runtime.read().unwrap();
        (pushes, now) = (pushes + 1, sockets(&edge).await);
    }
    let beside = runtime.readings.iter().max().unwrap();
    println!("the runtime has {all_read} bytes where all read, {beside} beside one that does not");
    assert!(beside.saturating_sub(all_read) < READER_BYTES_MAX, "{beside} instead of {all_read} bytes");
    let waiting: Vec<u64> = now.iter().filter_map(|socket| socket.waiting).collect();
    let most = *waiting.iter().max().unwrap();
    assert_eq!(waiting.len(), now.len(), "the runtime tells what waits");
    assert!((SOCKET_BACKLOG_BYTES_MAX..READER_BYTES_MAX).contains(&most), "{most}");
    let after = office.push(&[product("p1", &json!({}))]).await;
    for reader in &readers {
        reader.reaches(after.stamp).await;
    }
    let held: u64 = sockets(&edge).await.iter().filter_map(|socket| socket.waiting).sum();
    assert!(held <= most, "a closed socket gets more: {held} after {most}");
    assert_eq!(texts_until_close(&mut stuck).await.1, (4409, "pull".to_owned()));
    let mut without_it = Vec::new();
    for i in 0..pushes {
        without_it.push(deliver(&office, PUSHES_BEFORE + pushes + i, &readers).await);
    }
    let [beside_it, without_it] = [beside_it, without_it].map(|times| percentiles(&times)[0]);
    assert!(beside_it <= without_it * DELAY_MAX, "{beside_it:?} beside it, {without_it:?} without it");
    edge.stop().await;
}

async fn without_a_backlog_a_reader_must_give_signs_of_reading(_: &'static Shop) {
    let edge = ChangedEdge::start(with_untold_backlogs).await;
    edge.login("1:1", "till").await;
    let office = Till { api: edge.caller(&manager("office")), device: "office".into() };
    let reader = Reader::open(&edge, &manager("reader")).await;
    let mut stuck = open(&edge, &manager("stuck")).await;
    for i in 0..4 {
        let pushed = push_much(&office, i).await;
        reader.reaches(pushed.stamp).await;
        let unread = async || -> Vec<Value> {
            let attachments: Vec<Value> = edge.observe("attachments", "1:1").await;
            attachments.into_iter().filter(|socket| socket["user"] == "reader").collect()
        };
        let has_answered = |of_reader: &Vec<Value>| of_reader[0]["unread_bytes"] == 0;
        poll(PATIENCE, unread, has_answered).await.expect("the reader answers a ping");
    }
    let now = sockets(&edge).await;
    assert!(now.iter().all(|socket| socket.waiting.is_none()), "the runtime tells what waits: {now:?}");
    assert_eq!(now.iter().filter(|socket| socket.is_open).count(), 1, "{now:?}");
    assert_eq!(texts_until_close(&mut stuck).await.1, (4409, "pull".to_owned()));
    edge.stop().await;
}
