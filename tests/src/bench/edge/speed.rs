//! How fast the edge is in workerd itself: a read that it answers beside the same with Hono and jose, and a
//! push beside its function alone.

use std::error::Error;
use std::time::{Duration, Instant};

use local::stack::Stack;
use protocol::limits::PUSH_RECORDS_MAX;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::page_of_the_room;
use super::targets::Targets;
use crate::api::Api;
use crate::bench::client::BenchClient;
use crate::bench::direct::DirectWorker;
use crate::bench::{WARM_UP, product, without_warm_up};
use crate::fleet;
use crate::report::{hundredths, line, percentiles, ratio};

/// Connections that read at the same time.
const CONNECTIONS: usize = 8;
/// Reads of one connection in one turn.
const READS: usize = 50;
/// Reads whose calls of the runtime are counted, and what one may make. The count is the same in each run.
const COUNTED_READS: usize = 100;
const CALLS_MAX: u128 = 60;
/// Reads a second beside those of Hono, in hundredths.
const RATES_MIN: u128 = 120;
/// The read: a page without changes.
const PATH: &str = "/api/sync/pull-changes";

/// Reads of one worker.
#[derive(Default)]
struct Reads {
    latencies: Vec<Duration>,
    /// Of each turn.
    took: Vec<Duration>,
}

/// Measures reads in `rounds` turns of each worker, and as many pushes.
pub(super) async fn measure(
    stack: &Stack,
    rounds: usize,
    targets: &mut Targets,
) -> Result<(), Box<dyn Error>> {
    let client = BenchClient::open(stack, "speed", "speed").await?;
    let ours = DirectWorker::start(stack, "tillsync", None).await?;
    reads(stack, &client, &ours, rounds, targets).await?;
    calls(stack, &client, targets).await?;
    pushes(stack, &client, &ours, rounds, targets).await
}

/// Counts the calls of the runtime that a read makes.
async fn calls(stack: &Stack, client: &BenchClient, targets: &mut Targets) -> Result<(), Box<dyn Error>> {
    let counted = DirectWorker::start(stack, "counted", None).await?;
    let api = at(&counted, client)?;
    let (page, _) = api.pull_query("since=0", 1000).await?;
    let path = format!("{PATH}?cursor={}", page.next_cursor);
    page_of_the_room(&api, &path).await?;
    let count = async || Ok::<_, Box<dyn Error>>(api.get("/calls").await?.body.parse::<u128>()?);
    let before = count().await?;
    for _ in 0..COUNTED_READS {
        api.get(&path).await?;
    }
    let calls = (count().await? - before) / COUNTED_READS as u128;
    println!("calls of the runtime per read  {calls} (floor: at most {CALLS_MAX})");
    targets.expect(calls <= CALLS_MAX, "calls of the runtime per read");
    Ok(())
}

async fn reads(
    stack: &Stack,
    client: &BenchClient,
    ours: &DirectWorker,
    rounds: usize,
    targets: &mut Targets,
) -> Result<(), Box<dyn Error>> {
    let theirs = DirectWorker::start(stack, "hono", None).await?;
    let [ours, theirs] = [ours, &theirs].map(|worker| at(worker, client));
    let (ours, theirs) = (ours?, theirs?);
    ours.post("/api/sync/batch-push", batch(&client.device, "read", 1)).await?.ok::<Value>()?;
    let (page, _) = ours.pull_query("since=0", 1000).await?;
    let path = format!("{PATH}?cursor={}", page.next_cursor);
    let body = page_of_the_room(&ours, &path).await?;
    let put = theirs.send(theirs.request(Method::PUT, &path).body(body.clone())).await?;
    let got = theirs.get(&path).await?;
    if !put.status.is_success() || got.body != body {
        return Err(format!("Hono answers {} {}", got.status, got.body).into());
    }
    let (mut our_reads, mut their_reads) = (Reads::default(), Reads::default());
    for round in 0..rounds + WARM_UP {
        for (api, reads) in [(&ours, &mut our_reads), (&theirs, &mut their_reads)] {
            let turn = turn(api, &path).await?;
            if round >= WARM_UP {
                reads.took.extend(turn.took);
                reads.latencies.extend(turn.latencies);
            }
        }
    }
    println!("\nread of a head, {CONNECTIONS} connections, workerd itself");
    for (name, reads) in [("tillsync", &our_reads), ("Hono and jose", &their_reads)] {
        println!("{name:<30} {:>6} a second, {}", reads.per_second(), line(&reads.latencies));
    }
    let [ours, theirs] = [&our_reads, &their_reads].map(|reads| percentiles(&reads.latencies)[2]);
    let rates = median_ratio(&their_reads.took, &our_reads.took);
    let shown = hundredths(rates);
    println!("requests a second, ratio       {shown} (median of the rounds; target: at least 1.20)");
    println!("p99, ratio                     {} (target: at most 1.00)", ratio(ours, theirs));
    targets.expect(rates >= RATES_MIN, "reads a second beside Hono");
    targets.expect(ours <= theirs, "p99 of reads beside Hono");
    Ok(())
}

fn at(worker: &DirectWorker, client: &BenchClient) -> Result<Api, Box<dyn Error>> {
    Ok(Api::new(&worker.url)?.with_token(client.api.token()))
}

/// [`READS`] of each connection.
async fn turn(api: &Api, path: &str) -> Result<Reads, Box<dyn Error>> {
    let (mut reading, started) = (JoinSet::new(), Instant::now());
    for _ in 0..CONNECTIONS {
        let (api, path) = (api.clone(), path.to_owned());
        reading.spawn(async move {
            let mut latencies = Vec::with_capacity(READS);
            for _ in 0..READS {
                let began = Instant::now();
                let reply = api.get(&path).await.map_err(|error| error.to_string())?;
                latencies.push(began.elapsed());
                if !reply.status.is_success() {
                    return Err(format!("{}: {}", reply.status, reply.body));
                }
            }
            Ok(latencies)
        });
    }
    let mut reads = Reads::default();
    while let Some(latencies) = reading.join_next().await {
        reads.latencies.extend(latencies??);
    }
    reads.took.push(started.elapsed());
    Ok(reads)
}

/// The median of the ratios of two turns of one round, in hundredths. Each has as many reads, so the ratio of
/// the times is that of the rates. Another load of the machine changes both sides of a round alike.
fn median_ratio(theirs: &[Duration], ours: &[Duration]) -> u128 {
    let ratio = |(theirs, ours): (&Duration, &Duration)| {
        (theirs.as_micros() * 100).checked_div(ours.as_micros()).unwrap_or_default()
    };
    let mut ratios: Vec<u128> = theirs.iter().zip(ours).map(ratio).collect();
    ratios.sort_unstable();
    ratios.get(ratios.len() / 2).copied().unwrap_or_default()
}

impl Reads {
    fn per_second(&self) -> u128 {
        let micros = self.took.iter().sum::<Duration>().as_micros();
        (self.latencies.len() as u128 * 1_000_000).checked_div(micros).unwrap_or_default()
    }
}

fn batch(device: &str, name: &str, records: usize) -> String {
    let record = |i: usize| product(&format!("{name}-{i}"), i);
    let records: Vec<Value> = (0..records).map(record).collect();
    json!({ "device_id": device, "batch_id": fleet::batch_id(), "records": records }).to_string()
}

/// Pushes of 50 to the function alone, through workerd, and through the proxy of wrangler as well.
async fn pushes(
    stack: &Stack,
    client: &BenchClient,
    ours: &DirectWorker,
    rounds: usize,
    targets: &mut Targets,
) -> Result<(), Box<dyn Error>> {
    let direct = at(ours, client)?;
    let [mut function, mut workerd, mut proxy] = [const { Vec::new() }; 3];
    for round in 0..rounds + WARM_UP {
        let body = batch(&client.device, &format!("f{round}"), PUSH_RECORDS_MAX);
        function.push(client.push(stack, body).await?.took);
    }
    // Apart from the function: the edge publishes after its response, on the same processors.
    for (api, times) in [(&direct, &mut workerd), (&client.api, &mut proxy)] {
        for round in 0..rounds + WARM_UP {
            let body = batch(&client.device, &format!("{}-{round}", api.edge_url), PUSH_RECORDS_MAX);
            let started = Instant::now();
            api.post("/api/sync/batch-push", body).await?.ok::<Value>()?;
            times.push(started.elapsed());
        }
    }
    let [function, workerd, proxy] = [function, workerd, proxy].map(without_warm_up);
    println!();
    println!("push of 50, function alone     {}", line(&function));
    println!("push of 50, workerd itself     {}", line(&workerd));
    println!("push of 50, wrangler's proxy   {}", line(&proxy));
    let [[function, ..], [workerd, ..], [proxy, ..]] =
        [function, workerd, proxy].map(|all| percentiles(&all));
    println!("workerd to function            {} (target: at most 1.25)", ratio(workerd, function));
    println!("proxy to function              {}", ratio(proxy, function));
    targets.expect(workerd * 4 <= function * 5, "push through the edge beside its function");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_disturbed_round_does_not_change_the_ratio() {
        let micros = |times: [u64; 3]| times.map(Duration::from_micros);
        assert_eq!(median_ratio(&micros([120, 240, 90_000]), &micros([100, 200, 100])), 120);
        assert_eq!(median_ratio(&micros([120, 240, 120]), &micros([100, 200, 90_000])), 120);
    }
}
