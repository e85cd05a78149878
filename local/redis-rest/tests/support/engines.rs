//! Trials over every engine on this machine.

use std::process::ExitCode;

use libtest_mimic::{Arguments, Failed, Trial};
use redis_rest::engine::{Engine, EngineKind};

/// Runs the trials of each installed engine; fails if there is none.
pub(crate) fn run(trials: impl Fn(EngineKind) -> Vec<Trial>) -> ExitCode {
    let arguments = Arguments::from_args();
    let engines = Engine::available();
    if engines.is_empty() {
        eprintln!("failed to test: there is no Redis on this machine; run `cargo xtask test`");
        return ExitCode::FAILURE;
    }
    libtest_mimic::run(&arguments, engines.into_iter().flat_map(trials).collect()).exit_code()
}

/// Runs one trial to its end.
pub(crate) fn block_on(trial: impl Future<Output = Result<(), Failed>>) -> Result<(), Failed> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(trial)
}
