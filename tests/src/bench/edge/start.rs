//! How long a fresh isolate takes to start the worker, and to answer a first request with it.

use std::error::Error;
use std::time::Duration;

use local::stack::Stack;
use serde::Deserialize;

use super::targets::Targets;
use crate::bench::{WARM_UP, direct};
use crate::report::{line, millis, percentiles};

/// Isolates of each worker.
const ROUNDS: usize = 40;
const START_MILLIS_MAX: u32 = 50;

/// Microseconds of one round.
#[derive(Deserialize)]
struct Round {
    empty: u64,
    started: u64,
    answering: u64,
}

/// Starts isolates with an empty worker, with an empty one that has started ours, and with ours, turn by
/// turn.
pub(super) async fn measure(stack: &Stack, targets: &mut Targets) -> Result<(), Box<dyn Error>> {
    let script = direct::script(stack, "edge/start.mjs", &ROUNDS.to_string()).output().await?;
    if !script.status.success() {
        return Err(String::from_utf8_lossy(&script.stderr).into());
    }
    let mut times = [const { Vec::new() }; 3];
    for text in String::from_utf8(script.stdout)?.lines().skip(WARM_UP) {
        let Round { empty, started, answering } = serde_json::from_str(text)?;
        for (times, micros) in times.iter_mut().zip([empty, started, answering]) {
            times.push(Duration::from_micros(micros));
        }
    }
    println!("\nisolates that start and answer, workerd itself");
    for (name, times) in ["empty worker", "with ours started", "ours"].iter().zip(&times) {
        println!("{name:<30} {}", line(times));
    }
    let [[empty, ..], [started, ..], [answering, ..]] = times.map(|times| percentiles(&times));
    let start = started.saturating_sub(empty);
    println!("start of ours                  {} (target: at most {START_MILLIS_MAX} ms)", millis(start));
    targets.expect(start <= Duration::from_millis(START_MILLIS_MAX.into()), "start of the worker");
    println!("its first request              {}", millis(answering.saturating_sub(started)));
    Ok(())
}
