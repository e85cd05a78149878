//! Sixteen devices push to one room at once, without pause: latency, attempts, refusals and fairness.

use std::error::Error;
use std::time::{Duration, Instant};

use local::stack::Stack;
use reqwest::header::RETRY_AFTER;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::bench::client::BenchClient;
use crate::bench::product;
use crate::fleet;
use crate::report::{line, ratio};

const DEVICES: usize = 16;
/// Records of a push, as in a typical sale.
const RECORDS: usize = 8;

/// The measurements of one device.
#[derive(Default)]
struct DeviceStats {
    /// From the first request of a push until it was accepted.
    latencies: Vec<Duration>,
    /// How often an accepted push was decided.
    attempts: Vec<u64>,
    /// The number of `busy` responses.
    busy: usize,
    /// The time for all pushes.
    total: Duration,
}

pub(super) async fn measure(stack: &Stack, rounds: usize) -> Result<(), Box<dyn Error>> {
    let pushes = rounds.div_ceil(5);
    let mut running = JoinSet::new();
    let mut clients = Vec::new();
    for i in 0..DEVICES {
        clients.push(BenchClient::open(stack, "contention", &format!("device-{i}")).await?);
    }
    for client in clients {
        running.spawn(async move { push_all(&client, pushes).await.map_err(|error| error.to_string()) });
    }
    let mut all = Vec::new();
    while let Some(stats) = running.join_next().await {
        all.push(stats??);
    }
    print(&all);
    Ok(())
}

async fn push_all(client: &BenchClient, pushes: usize) -> Result<DeviceStats, Box<dyn Error>> {
    let (mut stats, begun) = (DeviceStats::default(), Instant::now());
    for round in 0..pushes {
        let record = |i: usize| product(&format!("{}-{round}-{i}", client.device), round * RECORDS + i);
        let records: Vec<Value> = (0..RECORDS).map(record).collect();
        let batch = json!({ "device_id": client.device, "batch_id": fleet::batch_id(), "records": records });
        let started = Instant::now();
        loop {
            let reply = client.api.post("/api/sync/batch-push", batch.to_string()).await?;
            if reply.status.as_u16() != 503 {
                // Each attempt is a read and a write.
                stats.attempts.push(reply.cost().requests.div_ceil(2));
                reply.ok::<Value>()?;
                break;
            }
            stats.busy += 1;
            let secs = reply.headers.get(RETRY_AFTER).and_then(|secs| secs.to_str().ok()?.parse().ok());
            tokio::time::sleep(Duration::from_secs(secs.unwrap_or(1))).await;
        }
        stats.latencies.push(started.elapsed());
    }
    stats.total = begun.elapsed();
    Ok(stats)
}

fn print(all: &[DeviceStats]) {
    let latencies: Vec<Duration> = all.iter().flat_map(|stats| stats.latencies.iter().copied()).collect();
    let attempts: Vec<u64> = all.iter().flat_map(|stats| stats.attempts.iter().copied()).collect();
    let most = attempts.iter().max().copied().unwrap_or_default();
    let spread = (1..=most).map(|n| format!("{n}: {}", attempts.iter().filter(|&&count| count == n).count()));
    let busy: usize = all.iter().map(|stats| stats.busy).sum();
    let busy_max = all.iter().map(|stats| stats.busy).max().unwrap_or_default();
    let fastest = all.iter().map(|stats| stats.total).min().unwrap_or_default();
    let slowest = all.iter().map(|stats| stats.total).max().unwrap_or_default();
    println!("{DEVICES} devices at once          {}", line(&latencies));
    println!("  attempts until accepted      {}", spread.collect::<Vec<_>>().join(", "));
    println!("  answered busy                {busy} times, at most {busy_max} times for one device");
    println!("  slowest to fastest device    {}", ratio(slowest, fastest));
}
