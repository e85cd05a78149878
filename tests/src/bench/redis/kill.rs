//! Redis is killed in the middle of a day's work, and started again: how many requests are served, and how fast.

mod caller;

use std::error::Error;
use std::time::Duration;

use lambda_http::http::Method;
use local::stack::Stack;
use protocol::endpoints::function::Function;
use serde_json::json;
use tokio::sync::watch;
use tokio::task::JoinSet;

use self::caller::{Call, Caller, Phase, Work};
use crate::bench::counter::Counter;
use crate::bench::product;
use crate::report::{millis, percentiles};

/// How long Redis is there, gone, and there again: longer than its clients' breakers stay open.
const THIRD: Duration = Duration::from_secs(5);
/// Tills that read and write.
const TILLS: usize = 4;
/// Failures that are told in full.
const TOLD: usize = 3;

/// Prints who was served; how many were not.
pub(super) async fn measure(stack: &Stack) -> Result<usize, Box<dyn Error>> {
    let (phase, watched) = watch::channel(Some(Phase::Before));
    let mut callers = JoinSet::new();
    for caller in callers_of(stack).await? {
        callers.spawn(caller.work(watched.clone()));
    }
    // The engine goes on in any case, and the callers end: what went wrong is told afterwards.
    let fate = fate(stack, &phase).await;
    phase.send_replace(None);
    let calls: Vec<Call> = callers.join_all().await.into_iter().flatten().collect();
    fate?;
    print(&calls);
    Ok(calls.iter().filter(|call| call.failure.is_some()).count())
}

async fn callers_of(stack: &Stack) -> Result<Vec<Caller>, Box<dyn Error>> {
    let mut callers = Vec::new();
    for n in 0..TILLS {
        let counter = Counter::at(stack, "killed", &format!("till-{n}")).await?;
        callers.push(Caller::new(counter, &[Work::Record, Work::PutCart, Work::GetCart, Work::Figures]));
    }
    // Somebody else: whoever signs in so often loses the first sessions.
    let counter = Counter::at(stack, "killed", "door").await?;
    let body = json!({ "device_id": counter.device, "records": [product(caller::RECORD, 0)] }).to_string();
    counter.call(stack, Function::BatchPush, Method::POST, "/pushBatch", body).await?;
    callers.push(Caller::new(counter, &[Work::SignIn]));
    Ok(callers)
}

async fn fate(stack: &Stack, phase: &watch::Sender<Option<Phase>>) -> Result<(), Box<dyn Error>> {
    let engine = stack.redis().engine();
    tokio::time::sleep(THIRD).await;
    phase.send_replace(Some(Phase::Gone));
    engine.kill().await;
    tokio::time::sleep(THIRD).await;
    engine.restart().await?;
    phase.send_replace(Some(Phase::After));
    tokio::time::sleep(THIRD).await;
    Ok(())
}

fn print(calls: &[Call]) {
    let secs = THIRD.as_secs();
    println!(
        "Redis there for {secs} s, killed for {secs} s, there for {secs} s; {TILLS} tills and one who signs in"
    );
    println!("{:<22} {:>15}   {:>29}", "", "served of asked", "p99 before, killed, after");
    for work in Work::ALL {
        told(work.name(), &calls.iter().filter(|call| call.work == work).collect::<Vec<_>>());
    }
    told("together", &calls.iter().collect::<Vec<_>>());
    let failures = calls.iter().filter_map(|call| Some((call, call.failure.as_deref()?)));
    for (call, failure) in failures.take(TOLD) {
        println!("  not served: {}, {:?}: {failure}", call.work.name(), call.phase);
    }
}

fn told(name: &str, calls: &[&Call]) {
    let (asked, served) = (calls.len(), calls.iter().filter(|call| call.failure.is_none()).count());
    let [before, gone, after] = [Phase::Before, Phase::Gone, Phase::After].map(|phase| {
        let began_in = calls.iter().filter(|call| call.phase == phase);
        let [.., p99] = percentiles(&began_in.map(|call| call.took).collect::<Vec<_>>());
        millis(p99)
    });
    println!("{name:<22} {served:>6} of {asked:>5}   {before:>9} {gone:>9} {after:>9} (target: all)");
}
