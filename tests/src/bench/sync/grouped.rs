//! What one transaction for several pushes saves: groups of pushes, one call of the function after the other.

use std::error::Error;
use std::time::{Duration, Instant};

use lambda_http::Body;
use lambda_http::http::{Method, Request};
use local::stack::Stack;
use protocol::endpoints::function::Function;
use protocol::limits::GROUP_PUSHES_MAX;
use protocol::wire::TOKEN_HEADER;
use protocol::wire::push_group::{GroupedPush, OPERATION, PushGroup, PushGroupResult};

use super::contention::{BRANCH, DELAY, RECORDS, batch};
use crate::bench::client::BenchClient;
use crate::fleet;
use crate::report::{hundredths, line};

/// Pushes in a group.
const SIZES: [usize; 4] = [1, 2, 4, GROUP_PUSHES_MAX];

/// Prints a line per size of a group. Each is called `rounds` times.
pub(super) async fn measure(stack: &Stack, rounds: usize) -> Result<(), Box<dyn Error>> {
    let mut clients = Vec::new();
    for i in 0..GROUP_PUSHES_MAX {
        clients.push(BenchClient::open(stack, BRANCH, &format!("grouped-{i}")).await?);
    }
    let scope = format!("#{BRANCH}\"");
    stack.stream().pause();
    call(stack, &clients, 0).await?;
    stack.faults().delay(&scope, DELAY);
    println!("groups of pushes, {RECORDS} records each, {} ms per request to DynamoDB", DELAY.as_millis());
    for size in SIZES {
        let (mut calls, watch) = (Vec::<Duration>::new(), stack.faults().watch(&scope));
        for round in 0..rounds {
            calls.push(call(stack, clients.get(..size).unwrap_or_default(), round).await?);
        }
        let (took, transactions) = (calls.iter().sum::<Duration>(), watch.count("TransactWriteItems"));
        let pushes = (rounds * size) as u128;
        let per_second = (pushes * 100_000).checked_div(took.as_millis()).unwrap_or_default();
        let (per_second, calls) = (hundredths(per_second), line(&calls));
        println!("{size} pushes: {per_second:>6} pushes/s in {transactions} transactions; a call {calls}");
    }
    stack.faults().clear(&scope);
    stack.stream().resume();
    Ok(())
}

/// Pushes one batch of each client in one call of the function. Returns the time it takes.
async fn call(stack: &Stack, clients: &[BenchClient], round: usize) -> Result<Duration, Box<dyn Error>> {
    let push = |client: &BenchClient| GroupedPush {
        request_id: fleet::batch_id(),
        arrived_at: fleet::now(),
        token: client.api.token().to_owned(),
        body: batch(client, round, true),
    };
    let pushes: Vec<GroupedPush> = clients.iter().map(push).collect();
    let token = clients.first().map(|client| client.api.token()).unwrap_or_default();
    let request = Request::builder().method(Method::POST).uri(format!("/{OPERATION}"));
    let body = serde_json::to_string(&PushGroup { pushes })?;
    let request = request.header(TOKEN_HEADER, token).body(Body::Text(body))?;
    let started = Instant::now();
    let response = stack.handlers().call(Function::BatchPush, request, fleet::now()).await;
    let took = started.elapsed();
    let result: PushGroupResult = serde_json::from_slice(response.body())?;
    if !result.answers.iter().all(|answer| answer.as_ref().is_some_and(|answer| answer.status == 200)) {
        return Err(format!("a group was answered {:?}", result.answers).into());
    }
    Ok(took)
}
