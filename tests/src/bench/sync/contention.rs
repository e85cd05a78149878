//! Devices that drain at once into one room, in groups and in turns (through the edge) and without turns
//! (functions called directly): commits per second, attempts, refusals, fairness.
//!
//! Each request to DynamoDB takes 20 ms longer, about as much as in AWS for a transaction.

use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, Instant};

use lambda_http::Body;
use lambda_http::http::{Method, Request};
use local::handlers::Handlers;
use local::stack::Stack;
use protocol::endpoints::function::Function;
use protocol::wire::TOKEN_HEADER;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::bench::client::BenchClient;
use crate::bench::product;
use crate::fleet;
use crate::report::{hundredths, millis, percentiles, ratio};

/// How many devices drain at once.
const DEVICES: [usize; 5] = [1, 2, 20, 50, 100];
/// Records of a push, as in a typical sale.
pub(super) const RECORDS: usize = 8;
pub(super) const DELAY: Duration = Duration::from_millis(20);
pub(super) const BRANCH: &str = "contention";

/// How pushes reach the function.
#[derive(Clone)]
enum Path {
    /// Through the edge, which has those that wait committed together.
    InGroups,
    /// Through the edge, which has them take turns: pushes without a `batch_id` are not committed together.
    InTurns,
    /// Directly, so that they compete for HEAD.
    Competing(Arc<Handlers>),
}

/// The measurements of one device.
#[derive(Default)]
struct DeviceStats {
    /// From the first request of a push until it was accepted.
    latencies: Vec<Duration>,
    /// The number of responses with status 503.
    refused: usize,
    /// The time for all pushes.
    total: Duration,
}

/// Prints a line per number of devices and path. A device pushes `rounds / 10` batches.
pub(super) async fn measure(stack: &Stack, rounds: usize) -> Result<(), Box<dyn Error>> {
    let mut clients = Vec::new();
    for i in 0..DEVICES.into_iter().max().unwrap_or_default() {
        clients.push(Arc::new(BenchClient::open(stack, BRANCH, &format!("device-{i}")).await?));
    }
    let scope = format!("#{BRANCH}\"");
    // The first push opens connections and fills caches.
    for client in clients.iter().take(1) {
        push_all(client, &Path::InGroups, 1).await?;
    }
    stack.stream().pause();
    stack.faults().delay(&scope, DELAY);
    println!(
        "devices drain at once, {RECORDS} records a push, {} ms per request to DynamoDB",
        DELAY.as_millis()
    );
    println!("devices  path       commits/s  attempts/commit  503s  slowest/fastest  p50        p99");
    for devices in DEVICES {
        // One device alone pushes as often as two together.
        let pushes = (rounds / 10).max(1) * if devices == 1 { 4 } else { 1 };
        for path in [Path::InGroups, Path::InTurns, Path::Competing(Arc::clone(stack.handlers()))] {
            let attempts = stack.faults().watch(&scope);
            let (all, took) = drain(clients.iter().take(devices), &path, pushes).await?;
            let attempts = attempts.count("TransactWriteItems");
            print(&path, &all, took, attempts);
        }
    }
    stack.faults().clear(&scope);
    stack.stream().resume();
    Ok(())
}

async fn drain(
    clients: impl Iterator<Item = &Arc<BenchClient>>,
    path: &Path,
    pushes: usize,
) -> Result<(Vec<DeviceStats>, Duration), Box<dyn Error>> {
    let mut running = JoinSet::new();
    let started = Instant::now();
    for client in clients {
        let (client, path) = (Arc::clone(client), path.clone());
        running
            .spawn(async move { push_all(&client, &path, pushes).await.map_err(|error| error.to_string()) });
    }
    let mut all = Vec::new();
    while let Some(stats) = running.join_next().await {
        all.push(stats??);
    }
    Ok((all, started.elapsed()))
}

async fn push_all(client: &BenchClient, path: &Path, pushes: usize) -> Result<DeviceStats, Box<dyn Error>> {
    let (mut stats, begun) = (DeviceStats::default(), Instant::now());
    for round in 0..pushes {
        let body = batch(client, round, !matches!(path, Path::InTurns));
        let started = Instant::now();
        while send(client, path, &body).await? == 503 {
            stats.refused += 1;
            // What `Retry-After` says.
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        stats.latencies.push(started.elapsed());
    }
    stats.total = begun.elapsed();
    Ok(stats)
}

/// A batch of new products, with a `batch_id` if it is `named`.
pub(super) fn batch(client: &BenchClient, round: usize, named: bool) -> String {
    let batch = fleet::batch_id();
    let record = |i: usize| product(&format!("{batch}-{i}"), round * RECORDS + i);
    let records: Vec<Value> = (0..RECORDS).map(record).collect();
    json!({ "device_id": client.device, "batch_id": named.then_some(batch), "records": records }).to_string()
}

/// Sends a batch. Returns the status, which is 200 or 503.
async fn send(client: &BenchClient, path: &Path, body: &str) -> Result<u16, Box<dyn Error>> {
    let (status, text) = match path {
        Path::InGroups | Path::InTurns => {
            let reply = client.api.post("/api/sync/batch-push", body.to_owned()).await?;
            (reply.status.as_u16(), reply.body)
        }
        Path::Competing(handlers) => {
            let request = Request::builder().method(Method::POST).uri("/pushBatch");
            let request = request.header(TOKEN_HEADER, client.api.token());
            let request = request.body(Body::Text(body.to_owned()))?;
            let response = handlers.call(Function::BatchPush, request, fleet::now()).await;
            (response.status().as_u16(), String::from_utf8_lossy(response.body()).into_owned())
        }
    };
    match status {
        200 | 503 => Ok(status),
        _ => Err(format!("the push was answered {status}: {text}").into()),
    }
}

fn print(path: &Path, all: &[DeviceStats], took: Duration, attempts: u64) {
    let latencies: Vec<Duration> = all.iter().flat_map(|stats| stats.latencies.iter().copied()).collect();
    let commits = latencies.len() as u128;
    let fastest = all.iter().map(|stats| stats.total).min().unwrap_or_default();
    let slowest = all.iter().map(|stats| stats.total).max().unwrap_or_default();
    let refused: usize = all.iter().map(|stats| stats.refused).sum();
    let per_second = (commits * 100_000).checked_div(took.as_millis()).unwrap_or_default();
    let per_commit = (u128::from(attempts) * 100).checked_div(commits).unwrap_or_default();
    let [p50, _, p99] = percentiles(&latencies).map(millis);
    let path = match path {
        Path::InGroups => "in groups",
        Path::InTurns => "in turns",
        Path::Competing(_) => "competing",
    };
    println!(
        "{:>7}  {path:<9}  {:>9}  {:>15}  {refused:>4}  {:>15}  {p50:<9}  {p99:<9}",
        all.len(),
        hundredths(per_second),
        hundredths(per_commit),
        ratio(slowest, fastest),
    );
}
