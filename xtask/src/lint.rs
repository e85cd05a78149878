//! `cargo xtask lint`: everything that CI checks beside the tests. A failed step does not stop the others, so
//! that one run shows every fault.

use std::time::{Duration, Instant};

use thiserror::Error;

use crate::child::ChildError;
use crate::file::FileError;
use crate::project::Project;
use crate::report;
use crate::setup::SetupError;

mod advisories;
mod checks;
mod tidy;
mod worker_size;

#[derive(Debug, Error)]
#[error("failed to pass lint: {} of {} steps failed ({})", failed.len(), STEPS.len(), failed.join(", "))]
pub(crate) struct LintError {
    failed: Vec<&'static str>,
}

#[derive(Debug, Error)]
enum StepError {
    #[error(transparent)]
    Child(#[from] ChildError),
    #[error(transparent)]
    File(#[from] FileError),
    #[error(transparent)]
    Setup(#[from] SetupError),
    #[error("failed to pass the advisories: a crate has a known vulnerability, see above")]
    Advisories,
    #[error("failed to check template.yaml: it is missing")]
    NoTemplate,
    #[error(transparent)]
    WorkerSize(#[from] worker_size::WorkerSizeError),
    #[error(transparent)]
    Tidy(#[from] tidy::TidyError),
}

struct Step {
    name: &'static str,
    run: fn(&Project) -> Result<(), StepError>,
}

/// In this order, the quick ones first.
const STEPS: [Step; 11] = [
    Step { name: "tidy", run: tidy::run },
    Step { name: "fmt", run: checks::fmt },
    Step { name: "tools", run: checks::install },
    Step { name: "deny", run: checks::deny },
    Step { name: "advisories", run: advisories::run },
    Step { name: "machete", run: checks::machete },
    Step { name: "clippy", run: checks::clippy },
    Step { name: "clippy-wasm", run: checks::clippy_wasm },
    Step { name: "doc", run: checks::doc },
    Step { name: "worker-size", run: worker_size::run },
    Step { name: "template", run: checks::template },
];

/// Runs all steps and prints how long each took.
pub(crate) fn run(project: &Project) -> Result<(), LintError> {
    let mut done: Vec<(&'static str, Duration, bool)> = Vec::with_capacity(STEPS.len());
    for step in &STEPS {
        report::say("lint", step.name);
        let started = Instant::now();
        let result = (step.run)(project);
        if let Err(error) = &result {
            report::line(&format!("lint {}: {error}", step.name));
        }
        done.push((step.name, started.elapsed(), result.is_ok()));
    }

    report::say("lint", "summary");
    for (name, took, passed) in &done {
        let status = if *passed { "ok" } else { "FAILED" };
        report::line(&format!("  {name:<12}{}  {status}", report::seconds(*took)));
    }
    let failed: Vec<&'static str> =
        done.iter().filter(|(_, _, passed)| !passed).map(|(name, _, _)| *name).collect();
    if failed.is_empty() { Ok(()) } else { Err(LintError { failed }) }
}
