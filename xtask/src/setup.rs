//! Fetches what the commands need, once, and is quick when all is there.
//!
//! Compiled tools go to the user's cache, where other clones find them; the rest into git-ignored folders
//! of the project. Nothing half-installed ever counts: a tool's folder is renamed into place, packages
//! get their stamp last.

use std::env;
use std::path::PathBuf;

use thiserror::Error;

use crate::child::Outcome;
use crate::project::Project;
use crate::report;

mod diagnosis;
mod lock_file;
mod npm;
mod python;
mod stamp;
mod tools;
mod wasm_target;

pub(crate) use tools::{CARGO_DENY, CARGO_MACHETE};

/// Tells our programs where the development Redis is.
pub(crate) const MEEBIS_VARIABLE: &str = "MEEBIS_BIN";

/// What a machine may have as its Redis.
const REDIS_PROGRAMS: [&str; 2] = ["redis-server", "valkey-server"];

/// Why something could not be set up.
#[derive(Debug, Error)]
pub(crate) enum SetupError {
    #[error(transparent)]
    WasmTarget(#[from] wasm_target::WasmTargetError),
    #[error(transparent)]
    LockFile(#[from] lock_file::LockFileError),
    #[error(transparent)]
    Tools(#[from] tools::ToolsError),
    #[error(transparent)]
    Npm(#[from] npm::NpmError),
    #[error(transparent)]
    Python(#[from] python::PythonError),
}

/// What the worker is built with.
#[derive(Debug)]
pub(crate) struct EdgeTools {
    pub(crate) worker_build: PathBuf,
    pub(crate) wasm_bindgen: PathBuf,
}

/// All that building and running the worker takes.
///
/// # Errors
///
/// [`SetupError`] with the sentence that helps.
pub(crate) fn edge(project: &Project) -> Result<EdgeTools, SetupError> {
    wasm_target::ensure(project)?;
    let version = lock_file::version_of(project, "wasm-bindgen")?;
    let wasm_bindgen = tools::wasm_bindgen(&version);
    tools::ensure(project, &[tools::WORKER_BUILD, wasm_bindgen])?;
    npm::ensure(project)?;
    report::say("setup", "wasm target, worker-build, wasm-bindgen and npm packages are there");
    Ok(EdgeTools {
        worker_build: tools::program(project, &tools::WORKER_BUILD),
        wasm_bindgen: tools::program(project, &wasm_bindgen),
    })
}

/// A Redis to run on: nothing where the machine has one, else the development Redis and where it is.
///
/// # Errors
///
/// [`SetupError`] with the sentence that helps.
pub(crate) fn redis(project: &Project) -> Result<Option<PathBuf>, SetupError> {
    let path = env::var_os("PATH").unwrap_or_default();
    let has = |name| env::split_paths(&path).any(|folder| folder.join(name).is_file());
    if REDIS_PROGRAMS.into_iter().any(has) { Ok(None) } else { meebis(project).map(Some) }
}

/// The development Redis, which tests run on beside whatever else there is.
///
/// # Errors
///
/// [`SetupError`] with the sentence that helps.
pub(crate) fn meebis(project: &Project) -> Result<PathBuf, SetupError> {
    tools::ensure(project, &[tools::MEEBIS])?;
    Ok(tools::program(project, &tools::MEEBIS))
}

/// What compiling for the worker takes, without building it.
///
/// # Errors
///
/// [`SetupError`] with the sentence that helps.
pub(crate) fn wasm_target(project: &Project) -> Result<(), SetupError> {
    Ok(wasm_target::ensure(project)?)
}

/// One of the tools that only `lint` needs.
///
/// # Errors
///
/// [`SetupError`] with the sentence that helps.
pub(crate) fn lint_tool(project: &Project, tool: tools::Tool<'_>) -> Result<PathBuf, SetupError> {
    tools::ensure(project, &[tool])?;
    Ok(tools::program(project, &tool))
}

/// The linter of `template.yaml`.
///
/// # Errors
///
/// [`SetupError`] with the sentence that helps.
pub(crate) fn cfn_lint(project: &Project) -> Result<PathBuf, SetupError> {
    Ok(python::ensure(project)?)
}

/// Shows the end of what a failed program printed; the sentence that helps comes after it.
fn show_last_lines(outcome: &Outcome) {
    for line in &outcome.last_lines {
        report::line(&format!("    {line}"));
    }
}
