//! What push, pull and broadcast cost: side by side, in one run.

mod bare;
mod contention;
mod screen;

use std::error::Error;
use std::time::Instant;

use lambda_http::http::Method;
use local::stack::Stack;
use protocol::endpoints::function::Function;
use protocol::limits::PUSH_RECORDS_MAX;
use protocol::stamp::{Stamp, cursor};
use protocol::wire::pull::PullResponse;
use serde_json::{Value, json};

use super::counter::Counter;
use super::{WARM_UP, product, warm};
use crate::api::Units;
use crate::fleet;
use crate::report::{line, per, percentiles, ratio};

/// Measures `rounds` times.
pub(super) async fn measure(stack: &Stack, rounds: usize) -> Result<(), Box<dyn Error>> {
    println!("{rounds} rounds each; records of 300 bytes; side by side in one run\n");
    // Its delivery takes the same two cores and the same lock of the local database, which a stream in AWS does
    // not: what a push costs is measured without it, and what a screen waits for with it.
    stack.stream().pause();
    pushes(stack, rounds).await?;
    stack.stream().resume();
    pulls(stack, rounds).await?;
    screen::measure(stack, rounds).await?;
    contention::measure(stack, rounds).await
}

fn batch(device: &str, round: usize) -> String {
    let record = |i: usize| product(&format!("p{round}-{i}"), round * PUSH_RECORDS_MAX + i);
    let records: Vec<Value> = (0..PUSH_RECORDS_MAX).map(record).collect();
    json!({ "device_id": device, "batch_id": fleet::batch_id(), "records": records }).to_string()
}

async fn pushes(stack: &Stack, rounds: usize) -> Result<(), Box<dyn Error>> {
    let direct = Counter::open(stack, "direct").await?;
    let (mut handler, mut bare, mut edge) = (Vec::new(), Vec::new(), Vec::new());
    let mut write_tenths = 0;
    for round in 0..rounds + WARM_UP {
        let body = batch(&direct.device, round);
        let answer = direct.call(stack, Function::BatchPush, Method::POST, "/pushBatch", body).await?;
        handler.push(answer.took);
        write_tenths += answer.cost.write_tenths;
        bare.push(bare::transaction(stack, &direct.room, answer.stamp).await?);
    }
    // Apart from those: the edge goes on working for its room after it has answered, on the same two cores.
    for round in 0..rounds + WARM_UP {
        let body = batch(&direct.device, rounds + WARM_UP + round);
        let started = Instant::now();
        direct.api.post("/api/sync/batch-push", body).await?.ok::<Value>()?;
        edge.push(started.elapsed());
    }
    let count = (rounds + WARM_UP) * PUSH_RECORDS_MAX;
    let [handler, bare, edge] = [handler, bare, edge].map(warm);
    println!("push of 50, bare transaction   {}", line(&bare));
    println!("push of 50, function handler   {}", line(&handler));
    println!("push of 50, through the edge   {}", line(&edge));
    let [[bare, ..], [handler, ..]] = [&bare, &handler].map(|all| percentiles(all));
    println!("handler against bare           {} (target: at most 1.50)", ratio(handler, bare));
    println!("write units per record         {} (target: at most 2.50)\n", per(write_tenths, count));
    Ok(())
}

async fn pulls(stack: &Stack, rounds: usize) -> Result<(), Box<dyn Error>> {
    let reader = Counter::open(stack, "reader").await?;
    let full = 3;
    for round in 0..full {
        reader.api.post("/api/sync/batch-push", batch(&reader.device, round)).await?.ok::<Value>()?;
    }
    let (mut handler, mut edge, mut nothing) = (Vec::new(), Vec::new(), Vec::new());
    let (mut hundred, mut nothing_cost) = (Units::default(), Units::default());
    for _ in 0..rounds + WARM_UP {
        let path = "/pullChanges?limit=100";
        let answer = reader.call(stack, Function::PullChanges, Method::GET, path, String::new()).await?;
        handler.push(answer.took);
        hundred = answer.cost;
        let started = Instant::now();
        let page: PullResponse = reader.api.get("/api/sync/pull-changes?limit=100").await?.ok()?;
        edge.push(started.elapsed());
        assert_eq!((page.changes.len(), page.has_more), (100, true));
        let last = reader.api.pull(Stamp::ZERO, 1000).await?.0.stamp;
        let started = Instant::now();
        let reply = reader.api.get(&format!("/api/sync/pull-changes?cursor={}", cursor(last))).await?;
        nothing.push(started.elapsed());
        nothing_cost = reply.cost();
    }
    let [handler, edge, nothing] = [handler, edge, nothing].map(warm);
    println!("pull of 100, function handler  {}", line(&handler));
    println!("pull of 100, through the edge  {}", line(&edge));
    println!("nothing new, through the edge  {}", line(&nothing));
    let (units, requests) = (per(hundred.read_tenths, 1), hundred.requests);
    println!("read units per 100 pulled      {units} in {requests} requests (target: at most 5 in 2)");
    let (units, requests) = (per(nothing_cost.read_tenths, 1), nothing_cost.requests);
    println!("read units for nothing new     {units} in {requests} request (target: 1 in 1)\n");
    Ok(())
}
