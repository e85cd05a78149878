//! Kills Redis under load and restarts it: how many requests succeed, and how fast.

mod worker;

use std::error::Error;
use std::time::Duration;

use local::stack::Stack;
use tokio::sync::watch;
use tokio::task::JoinSet;

use self::worker::{Operation, Phase, Sample, Worker};
use crate::bench::client::BenchClient;
use crate::report::{millis, percentiles};

/// The length of each phase: longer than a client's circuit breaker stays open.
const PHASE: Duration = Duration::from_secs(5);
/// Tills that read and write.
const TILLS: usize = 4;
/// Failures that are printed.
const SHOWN_MAX: usize = 3;

/// Prints the results. Returns the number of failed requests.
pub(super) async fn measure(stack: &Stack) -> Result<usize, Box<dyn Error>> {
    let (phase, watched) = watch::channel(Some(Phase::Before));
    let mut running = JoinSet::new();
    for worker in workers(stack).await? {
        running.spawn(worker.run(watched.clone()));
    }
    // An error is returned after the workers have stopped.
    let result = kill_and_restart(stack, &phase).await;
    phase.send_replace(None);
    let samples: Vec<Sample> = running.join_all().await.into_iter().flatten().collect();
    result?;
    print(&samples);
    Ok(samples.iter().filter(|sample| sample.failure.is_some()).count())
}

async fn workers(stack: &Stack) -> Result<Vec<Worker>, Box<dyn Error>> {
    let mut workers = Vec::new();
    for n in 0..TILLS {
        let client = BenchClient::open(stack, "killed", &format!("till-{n}")).await?;
        let operations = &[Operation::Record, Operation::PutCart, Operation::GetCart, Operation::Stats];
        workers.push(Worker::new(client, operations));
    }
    // A user of its own signs in: so many sign-ins end the user's first sessions.
    let client = BenchClient::open(stack, "killed", "sign-in").await?;
    client.push_product(stack, worker::RECORD).await?;
    workers.push(Worker::new(client, &[Operation::SignIn]));
    Ok(workers)
}

async fn kill_and_restart(stack: &Stack, phase: &watch::Sender<Option<Phase>>) -> Result<(), Box<dyn Error>> {
    let engine = stack.redis().engine();
    tokio::time::sleep(PHASE).await;
    phase.send_replace(Some(Phase::Killed));
    engine.kill().await;
    tokio::time::sleep(PHASE).await;
    engine.restart().await?;
    phase.send_replace(Some(Phase::After));
    tokio::time::sleep(PHASE).await;
    Ok(())
}

fn print(samples: &[Sample]) {
    let secs = PHASE.as_secs();
    println!(
        "Redis up for {secs} s, killed for {secs} s, up for {secs} s; {TILLS} tills and one that signs in"
    );
    println!("{:<22} {:>15}   {:>29}", "", "succeeded", "p99 before, killed, after");
    for operation in Operation::ALL {
        let own = samples.iter().filter(|sample| sample.operation == operation);
        print_line(&format!("{operation:?}"), &own.collect::<Vec<_>>());
    }
    print_line("all", &samples.iter().collect::<Vec<_>>());
    let failures = samples.iter().filter_map(|sample| Some((sample, sample.failure.as_deref()?)));
    for (sample, failure) in failures.take(SHOWN_MAX) {
        println!("  failed: {:?}, {:?}: {failure}", sample.operation, sample.phase);
    }
}

fn print_line(name: &str, samples: &[&Sample]) {
    let total = samples.len();
    let succeeded = samples.iter().filter(|sample| sample.failure.is_none()).count();
    let [before, killed, after] = [Phase::Before, Phase::Killed, Phase::After].map(|phase| {
        let started_in = samples.iter().filter(|sample| sample.phase == phase);
        let [.., p99] = percentiles(&started_in.map(|sample| sample.took).collect::<Vec<_>>());
        millis(p99)
    });
    println!("{name:<22} {succeeded:>6} of {total:>5}   {before:>9} {killed:>9} {after:>9} (target: all)");
}
