//! `cargo xtask sim`: tills over a faulty network, the real functions and the real DynamoDB adapter, all from a seed.
//!
//! In reading order: `plan` is what happens, `world` lets it happen, `model` says what should have come of it, and
//! `check` compares. Time is tokio's, paused; what is random comes from [`dice`]; nothing waits for anything real. So
//! a seed that fails fails again, and `shrink` finds what of it matters.

// What is to happen.
pub mod dice;
pub mod edit;
pub mod plan;
pub mod shape;
pub mod weather;

// Where it happens.
pub mod broadcast;
pub mod cast;
pub mod clock;
pub mod device;
pub mod line;
pub mod overseer;
pub mod server;
pub mod stage;
pub mod sweeper;
pub mod torn;
pub mod world;

// What came of it.
pub mod journal;
pub mod stored;
pub mod wire;

// What should have come of it.
pub mod check;
pub mod model;

// What must be noticed.
pub mod sabotage;

// The program.
pub mod arguments;
pub mod run;
pub mod shrink;

use std::sync::{Mutex, MutexGuard, PoisonError};

use config::BadConfig;
use functions::http::error::HandlerError;
use local::dynamo::StartDynamoError;
use local::keys::KeysError;
use local::template::TemplateError;

use journal::Finding;
use plan::Step;
use sabotage::Sabotage;
use stage::Stage;
use world::World;

/// Why a simulation cannot run, which says nothing about the product.
#[derive(Debug, thiserror::Error)]
pub enum SimError {
    /// The runtime or a folder.
    #[error("failed to set the stage: {0}")]
    Io(#[from] std::io::Error),
    /// The tables.
    #[error(transparent)]
    Dynamo(#[from] StartDynamoError),
    /// The deployment.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// The keys.
    #[error(transparent)]
    Keys(#[from] KeysError),
    /// A key that cannot sign.
    #[error("failed to set the stage: the key does not sign: {0}")]
    Key(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The functions' configuration.
    #[error(transparent)]
    Config(#[from] BadConfig),
    /// A function lacks a part.
    #[error(transparent)]
    Function(#[from] HandlerError),
    /// Who takes part.
    #[error(transparent)]
    Cast(#[from] cast::CastError),
}

/// What a run amounts to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// What is wrong.
    pub findings: Vec<Finding>,
    /// The run in a number: equal ones are equal runs.
    pub fingerprint: u64,
}

/// Plays `steps` with everything else from `seed`, and checks what came of it.
pub fn play(
    stage: &Stage,
    seed: u64,
    tills: usize,
    steps: &[Step],
    sabotage: Option<Sabotage>,
) -> Result<Outcome, SimError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build()?;
    runtime.block_on(async {
        let world = World::open(stage, seed, tills, sabotage)?;
        world.play(steps).await;
        world.settle().await;
        check::check(&world).await;
        Ok(Outcome { findings: world.journal.findings(), fingerprint: world.journal.fingerprint() })
    })
}

/// A lock is only poisoned by a panic, and a run that panicked has failed already.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
