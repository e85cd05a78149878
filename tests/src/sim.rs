//! Deterministic simulation: many tills over a faulty network, with the real functions and the real DynamoDB
//! adapter.
//!
//! A `scenario` is drawn from a seed, a `world` runs it, the `model` crate predicts the result, and
//! `check` compares. Time is tokio's paused clock, random numbers come from `rng`, and nothing does real
//! I/O, except that Redis is a real one, for which a run waits without a clock. A seed that fails therefore
//! fails again, and `shrink` finds the steps that matter.

// Input.
mod fault_rates;
mod rng;
mod scenario;
mod shape;
mod spelling;
mod workload;

// The parts of a run.
mod actors;
mod api;
mod broadcast;
mod carts;
mod clock;
mod damage;
mod dead_letters;
mod decisions;
mod device;
mod environment;
mod groups;
mod head_office;
mod lag;
mod network;
mod notes;
mod probe;
mod reads;
mod redis;
mod release;
mod resolve;
mod restore;
mod server;
mod stream;
mod stream_functions;
mod torn;
mod ttl_reaper;
mod world;

// Output and its checks.
mod check;
mod coverage;
mod event_log;
mod storage;

// Variants of the product that must fail.
mod cache_mutation;
mod mutation;
mod release_mutation;
mod release_writes;
mod spelling_mutation;
mod till_mutation;

// The program.
mod arguments;
mod progress;
mod run;
mod shrink;

pub use arguments::Arguments;
pub use run::run;

use crate::lock;
use coverage::Coverage;
use environment::Environment;
use event_log::Violation;
use mutation::Mutation;
use scenario::Step;
use world::World;

/// Why a simulation cannot run: a fault of the test, not of the product.
pub type SimError = Box<dyn std::error::Error + Send + Sync>;

/// The result of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
struct RunResult {
    /// What is wrong.
    violations: Vec<Violation>,
    /// What the responses reached.
    coverage: Coverage,
    /// A hash of the run: equal runs have equal fingerprints.
    fingerprint: u64,
}

/// Runs `steps` and checks the result. Everything else is drawn from `seed`.
fn simulate(
    environment: &Environment,
    seed: u64,
    tills: usize,
    steps: &[Step],
    mutation: Option<Mutation>,
) -> Result<RunResult, SimError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build()?;
    runtime.block_on(async {
        let world = World::new(environment, seed, tills, mutation)?;
        world.run(steps).await;
        world.settle().await;
        check::check(&world).await;
        let entries = world.log.entries();
        let (violations, coverage) = (entries.violations.clone(), entries.coverage.clone());
        Ok(RunResult { violations, coverage, fingerprint: entries.fingerprint })
    })
}

#[cfg(test)]
mod tests;
