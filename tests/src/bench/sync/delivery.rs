//! The time from a push on one device to its frame on nine others.

use std::collections::HashMap;
use std::error::Error;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use local::stack::Stack;
use protocol::wire::socket::ServerFrame;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::Message;

use crate::bench::client::BenchClient;
use crate::bench::{WARM_UP, product};
use crate::lock;
use crate::report::line;
use crate::till::socket::url;

const DEVICES: usize = 10;

/// The start of each record's push.
type Started = Arc<Mutex<HashMap<String, Instant>>>;

pub(super) async fn measure(stack: &Stack, rounds: usize) -> Result<(), Box<dyn Error>> {
    let pusher = BenchClient::open(stack, "delivery", "device-0").await?;
    let started = Started::default();
    let mut receivers = JoinSet::new();
    for i in 1..DEVICES {
        let client = BenchClient::open(stack, "delivery", &format!("device-{i}")).await?;
        let (mut socket, _) = connect_async(url(&client.api, &client.device)).await?;
        let started = started.clone();
        receivers.spawn(async move {
            let mut times = Vec::new();
            while times.len() < rounds + WARM_UP {
                let Some(Ok(Message::Text(text))) = socket.next().await else { break };
                let Some(ServerFrame::Sync(frame)) = ServerFrame::parse(&text) else { continue };
                times.extend(lock(&started).get(&frame.record_id).map(Instant::elapsed));
            }
            times
        });
    }
    for round in 0..rounds + WARM_UP {
        let id = format!("sale-{round}");
        let body = json!({ "device_id": pusher.device, "records": [product(&id, round)] }).to_string();
        lock(&started).insert(id, Instant::now());
        pusher.api.post("/api/sync/batch-push", body).await?.ok::<Value>()?;
    }
    let mut deliveries: Vec<Duration> = Vec::new();
    while let Some(times) = receivers.join_next().await {
        deliveries.extend(times?.into_iter().skip(WARM_UP));
    }
    assert_eq!(deliveries.len(), rounds * (DEVICES - 1), "every device receives every sale");
    println!("push to delivery, {DEVICES} devices  {} (target: p99 under 50 ms)", line(&deliveries));
    Ok(())
}
