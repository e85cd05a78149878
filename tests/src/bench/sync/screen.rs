//! From a push on one device to the screens of nine others.

use std::collections::HashMap;
use std::error::Error;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use local::stack::Stack;
use protocol::wire::socket::ServerFrame;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::Message;

use crate::bench::counter::Counter;
use crate::bench::{WARM_UP, product};
use crate::report::line;
use crate::till::socket::url;

const DEVICES: usize = 10;

/// When each record's push began.
type Begun = Arc<Mutex<HashMap<String, Instant>>>;

pub(super) async fn measure(stack: &Stack, rounds: usize) -> Result<(), Box<dyn Error>> {
    let pusher = Counter::at(stack, "screens", "screen-0").await?;
    let begun = Begun::default();
    let mut listening = JoinSet::new();
    for i in 1..DEVICES {
        let counter = Counter::at(stack, "screens", &format!("screen-{i}")).await?;
        let (mut socket, _) = connect_async(url(&counter.api, &counter.device)).await?;
        let begun = begun.clone();
        listening.spawn(async move {
            let mut heard = Vec::new();
            while heard.len() < rounds + WARM_UP {
                let Some(Ok(Message::Text(text))) = socket.next().await else { break };
                let Some(ServerFrame::Sync(frame)) = ServerFrame::parse(&text) else { continue };
                let at = begun.lock().unwrap_or_else(PoisonError::into_inner).get(&frame.record_id).copied();
                heard.extend(at.map(|at| at.elapsed()));
            }
            heard
        });
    }
    for round in 0..rounds + WARM_UP {
        let id = format!("sale-{round}");
        let body = json!({ "device_id": pusher.device, "records": [product(&id, round)] }).to_string();
        begun.lock().unwrap_or_else(PoisonError::into_inner).insert(id, Instant::now());
        pusher.api.post("/api/sync/batch-push", body).await?.ok::<Value>()?;
    }
    let mut screens: Vec<Duration> = Vec::new();
    while let Some(heard) = listening.join_next().await {
        screens.extend(heard?.into_iter().skip(WARM_UP));
    }
    assert_eq!(screens.len(), rounds * (DEVICES - 1), "every device hears every sale");
    println!("push to screen, {DEVICES} devices     {} (target: p99 under 50 ms)", line(&screens));
    Ok(())
}
