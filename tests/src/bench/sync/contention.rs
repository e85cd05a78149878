//! Sixteen devices that push to one room at once, without pause: how long each push takes, how often it had to be
//! decided again, who was told to come back, and whether anybody starved.

use std::error::Error;
use std::time::{Duration, Instant};

use local::stack::Stack;
use reqwest::header::RETRY_AFTER;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::bench::counter::Counter;
use crate::bench::product;
use crate::fleet;
use crate::report::{line, ratio};

const DEVICES: usize = 16;
/// Records of one push: a sale of some lines.
const RECORDS: usize = 8;

/// What one device went through.
#[derive(Default)]
struct Day {
    /// From a push's first sending until it was taken.
    taken: Vec<Duration>,
    /// How often a push that was taken had been decided.
    attempts: Vec<u64>,
    /// How often it was told to come back.
    told: usize,
    /// Its pushes together.
    whole: Duration,
}

pub(super) async fn measure(stack: &Stack, rounds: usize) -> Result<(), Box<dyn Error>> {
    let each = rounds.div_ceil(5);
    let mut days = JoinSet::new();
    let mut counters = Vec::new();
    for i in 0..DEVICES {
        counters.push(Counter::at(stack, "contention", &format!("crowd-{i}")).await?);
    }
    for counter in counters {
        days.spawn(async move { day(&counter, each).await.map_err(|error| error.to_string()) });
    }
    let mut all = Vec::new();
    while let Some(day) = days.join_next().await {
        all.push(day??);
    }
    print(&all);
    Ok(())
}

async fn day(counter: &Counter, pushes: usize) -> Result<Day, Box<dyn Error>> {
    let (mut day, begun) = (Day::default(), Instant::now());
    for round in 0..pushes {
        let record = |i: usize| product(&format!("{}-{round}-{i}", counter.device), round * RECORDS + i);
        let records: Vec<Value> = (0..RECORDS).map(record).collect();
        let batch = json!({ "device_id": counter.device, "batch_id": fleet::batch_id(), "records": records });
        let started = Instant::now();
        loop {
            let reply = counter.api.post("/api/sync/batch-push", batch.to_string()).await?;
            if reply.status.as_u16() != 503 {
                // A read and a write each time.
                day.attempts.push(reply.cost().requests.div_ceil(2));
                reply.ok::<Value>()?;
                break;
            }
            day.told += 1;
            let secs = reply.headers.get(RETRY_AFTER).and_then(|secs| secs.to_str().ok()?.parse().ok());
            tokio::time::sleep(Duration::from_secs(secs.unwrap_or(1))).await;
        }
        day.taken.push(started.elapsed());
    }
    day.whole = begun.elapsed();
    Ok(day)
}

fn print(days: &[Day]) {
    let taken: Vec<Duration> = days.iter().flat_map(|day| day.taken.iter().copied()).collect();
    let mut attempts: Vec<u64> = days.iter().flat_map(|day| day.attempts.iter().copied()).collect();
    attempts.sort_unstable();
    let most = attempts.last().copied().unwrap_or_default();
    let spread = (1..=most).map(|n| format!("{n}: {}", attempts.iter().filter(|&&taken| taken == n).count()));
    let told: usize = days.iter().map(|day| day.told).sum();
    let worst_told = days.iter().map(|day| day.told).max().unwrap_or_default();
    let fastest = days.iter().map(|day| day.whole).min().unwrap_or_default();
    let slowest = days.iter().map(|day| day.whole).max().unwrap_or_default();
    println!("{DEVICES} devices at once          {}", line(&taken));
    println!("  times decided until taken    {}", spread.collect::<Vec<_>>().join(", "));
    println!("  told to come back            {told} times, at most {worst_told} times one device");
    println!("  slowest device / fastest     {}", ratio(slowest, fastest));
}
