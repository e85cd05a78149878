//! Latency and cost of push, pull and broadcast, in one run.

mod bare;
mod contention;
mod delivery;
mod grouped;

use std::collections::BTreeMap;
use std::error::Error;
use std::time::Instant;

use local::stack::Stack;
use protocol::endpoints::function::Function;
use protocol::limits::PUSH_RECORDS_MAX;
use protocol::stamp::Stamp;
use protocol::wire::pull::PullResponse;
use serde_json::{Value, json};

use super::client::BenchClient;
use super::{WARM_UP, product, without_warm_up};
use crate::api::Units;
use crate::fleet;
use crate::report::{line, per, percentiles, ratio};

/// A limit that lets a hundred devices sign in from one address.
pub(super) fn edge_variables() -> BTreeMap<&'static str, String> {
    BTreeMap::from([("RATE_LOGIN_ADDRESS_PER_MINUTE", "100000".to_owned())])
}

/// Measures each operation `rounds` times.
pub(super) async fn measure(stack: &Stack, rounds: usize) -> Result<(), Box<dyn Error>> {
    println!("{rounds} rounds each; records of 300 bytes; all in one run\n");
    // The stream shares processors and the database's lock with the functions, which it does not in AWS.
    // Pushes are measured without it, delivery with it.
    stack.stream().pause();
    pushes(stack, rounds).await?;
    stack.stream().resume();
    pulls(stack, rounds).await?;
    delivery::measure(stack, rounds).await?;
    grouped::measure(stack, rounds).await?;
    contention::measure(stack, rounds).await
}

fn batch(device: &str, round: usize) -> String {
    let record = |i: usize| product(&format!("p{round}-{i}"), round * PUSH_RECORDS_MAX + i);
    let records: Vec<Value> = (0..PUSH_RECORDS_MAX).map(record).collect();
    json!({ "device_id": device, "batch_id": fleet::batch_id(), "records": records }).to_string()
}

async fn pushes(stack: &Stack, rounds: usize) -> Result<(), Box<dyn Error>> {
    let client = BenchClient::open(stack, "direct", "direct").await?;
    let (mut handler, mut bare, mut edge) = (Vec::new(), Vec::new(), Vec::new());
    let mut write_tenths = 0;
    for round in 0..rounds + WARM_UP {
        let response = client.push(stack, batch(&client.device, round)).await?;
        handler.push(response.took);
        write_tenths += response.cost.write_tenths;
        bare.push(bare::transaction(stack, &client.room, response.stamp).await?);
    }
    // In a separate loop: the edge publishes after its response, on the same processors.
    for round in 0..rounds + WARM_UP {
        let body = batch(&client.device, rounds + WARM_UP + round);
        let started = Instant::now();
        client.api.post("/api/sync/batch-push", body).await?.ok::<Value>()?;
        edge.push(started.elapsed());
    }
    let count = (rounds + WARM_UP) * PUSH_RECORDS_MAX;
    let [handler, bare, edge] = [handler, bare, edge].map(without_warm_up);
    println!("push of 50, bare transaction   {}", line(&bare));
    println!("push of 50, function handler   {}", line(&handler));
    println!("push of 50, through the edge   {}", line(&edge));
    let [[bare, ..], [handler, ..]] = [&bare, &handler].map(|all| percentiles(all));
    println!("handler to bare transaction    {} (target: at most 1.50)", ratio(handler, bare));
    println!("write units per record         {} (target: at most 2.50)\n", per(write_tenths, count));
    Ok(())
}

async fn pulls(stack: &Stack, rounds: usize) -> Result<(), Box<dyn Error>> {
    let client = BenchClient::open(stack, "reader", "reader").await?;
    for round in 0..3 {
        client.api.post("/api/sync/batch-push", batch(&client.device, round)).await?.ok::<Value>()?;
    }
    let (mut handler, mut edge, mut nothing) = (Vec::new(), Vec::new(), Vec::new());
    let (mut hundred, mut nothing_cost) = (Units::default(), Units::default());
    for _ in 0..rounds + WARM_UP {
        let response = client.get(stack, Function::PullChanges, "/pullChanges?limit=100").await?;
        handler.push(response.took);
        hundred = response.cost;
        let started = Instant::now();
        let page: PullResponse = client.api.get("/api/sync/pull-changes?limit=100").await?.ok()?;
        edge.push(started.elapsed());
        assert_eq!((page.changes.len(), page.has_more), (100, true));
        let last = client.api.pull(Stamp::ZERO, 1000).await?.0.stamp;
        let started = Instant::now();
        let reply = client.api.get(&format!("/api/sync/pull-changes?since={}", last.0)).await?;
        nothing.push(started.elapsed());
        nothing_cost = reply.cost();
    }
    let [handler, edge, nothing] = [handler, edge, nothing].map(without_warm_up);
    println!("pull of 100, function handler  {}", line(&handler));
    println!("pull of 100, through the edge  {}", line(&edge));
    println!("nothing new, through the edge  {}", line(&nothing));
    let (units, requests) = (per(hundred.read_tenths, 1), hundred.requests);
    println!("read units per 100 pulled      {units} in {requests} requests (target: at most 5 in 2)");
    let (units, requests) = (per(nothing_cost.read_tenths, 1), nothing_cost.requests);
    println!("read units for nothing new     {units} in {requests} request (target: 1 in 1)\n");
    Ok(())
}
