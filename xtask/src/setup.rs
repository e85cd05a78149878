//! Installs what the commands need, once. Takes milliseconds when everything is there.
//!
//! Compiled tools go to the user's cache, which all clones share; packages go to git-ignored folders of the
//! project. An interrupted installation never counts: a tool's folder is renamed last, packages get their
//! record last.

use std::io;
use std::path::PathBuf;
use std::process::Command;

use thiserror::Error;

use crate::child::{self, ChildError, Output};
use crate::file::FileError;
use crate::project::Project;
use crate::report;

mod chromium;
mod diagnosis;
mod install_record;
mod lock_file;
mod npm;
mod python;
mod tools;
mod valkey;
mod wasm_target;

use diagnosis::{Diagnosis, diagnose};
pub(crate) use npm::{partyserver, rxserver};
pub(crate) use python::ensure as cfn_lint;
use tools::WORKER_BUILD;
pub(crate) use tools::{CARGO_DENY, CARGO_MACHETE, Installed};
pub(crate) use valkey::FOLDER as VALKEY_FOLDER;
pub(crate) use wasm_target::ensure as wasm_target;

/// The programs that count as a Redis of the machine.
const REDIS_PROGRAMS: [&str; 2] = ["redis-server", "valkey-server"];

#[derive(Debug, Error)]
pub(crate) enum SetupError {
    #[error("failed to find rustc: {why}")]
    NoCompiler { why: String },
    #[error(
        "failed to add the target {}: it is not installed, and neither is rustup, which could add it; \
         install Rust with rustup, or the target with what you installed Rust with",
        wasm_target::TARGET
    )]
    NoRustup,
    #[error("failed to add the target {}: {diagnosis}", wasm_target::TARGET)]
    Target { diagnosis: Diagnosis },
    #[error("failed to read Cargo.lock: {source}")]
    LockFile { source: io::Error },
    #[error("failed to find {crate_name} in Cargo.lock: run `cargo metadata` and try again")]
    NoSuchCrate { crate_name: &'static str },
    #[error("failed to install {what}: `{program}` is not on PATH; install {needed} or newer")]
    NotOnPath { what: &'static str, program: &'static str, needed: &'static str },
    #[error("failed to install the npm packages: Node 20 or newer is needed and this is {found}")]
    NodeTooOld { found: String },
    #[error(
        "failed to install the npm packages: npm left out `{program}`, which may lack a package for this platform"
    )]
    LeftOut { program: &'static str },
    #[error("failed to install {what}: Python 3.11 or newer is needed and `python3` is {found}")]
    PythonTooOld { what: &'static str, found: String },
    #[error(
        "failed to install {what}: `python3` has no venv module; install it (on Debian it is the package \
         python3-venv)"
    )]
    NoVenv { what: &'static str },
    #[error("failed to install {what}: {diagnosis}")]
    Install { what: String, diagnosis: Diagnosis },
    #[error(transparent)]
    File(#[from] FileError),
    #[error(transparent)]
    Child(#[from] ChildError),
}

/// The program's output, or that it is not on PATH.
fn capture(
    what: &'static str,
    needed: &'static str,
    program: &'static str,
    command: Command,
) -> Result<Output, SetupError> {
    match child::capture(command) {
        Err(error) if error.is_not_found() => Err(SetupError::NotOnPath { what, program, needed }),
        output => Ok(output?),
    }
}

/// Shows the output of a failed installation of `what` and diagnoses it.
fn check(what: &str, output: &Output) -> Result<(), SetupError> {
    if output.status.success() {
        return Ok(());
    }
    output.show();
    Err(SetupError::Install { what: what.to_owned(), diagnosis: diagnose(&output.last_lines) })
}

/// The tools that package the worker.
#[derive(Debug)]
pub(crate) struct EdgeTools {
    pub(crate) worker_build: Installed,
    pub(crate) wasm_bindgen: Installed,
}

/// Installs what builds and runs the worker.
pub(crate) fn edge(project: &Project) -> Result<EdgeTools, SetupError> {
    wasm_target::ensure(project)?;
    let version = lock_file::version_of(project, "wasm-bindgen")?;
    let [worker_build, wasm_bindgen] = tools::ensure(project, [WORKER_BUILD, tools::wasm_bindgen(&version)])?;
    npm::ensure(project)?;
    report::say("setup", "wasm target, worker-build, wasm-bindgen and npm packages are there");
    Ok(EdgeTools { worker_build, wasm_bindgen })
}

/// Installs what `dev` needs: the worker's tools, and a Redis where the machine has none.
pub(crate) fn dev(project: &Project) -> Result<EdgeTools, SetupError> {
    redis(project)?;
    edge(project)
}

/// Installs what `test` needs: the worker's tools, Chromium, and Valkey beside the machine's Redis, because
/// the suites of `redis-rest` run over every engine.
pub(crate) fn test(project: &Project) -> Result<EdgeTools, SetupError> {
    // First, because it fails at once where it cannot be added.
    wasm_target::ensure(project)?;
    valkey::ensure(project)?;
    chromium::ensure(project)?;
    edge(project)
}

/// Installs all of `lint`'s compiled tools: its own and the worker's.
pub(crate) fn lint(project: &Project) -> Result<(), SetupError> {
    let version = lock_file::version_of(project, "wasm-bindgen")?;
    tools::ensure(project, [CARGO_DENY, CARGO_MACHETE, WORKER_BUILD, tools::wasm_bindgen(&version)])?;
    Ok(())
}

/// Installs one of `lint`'s own tools and returns its path.
pub(crate) fn lint_tool(project: &Project, tool: tools::Tool<'_>) -> Result<PathBuf, SetupError> {
    let [tool] = tools::ensure(project, [tool])?;
    Ok(tool.path)
}

/// Installs Valkey, unless the machine has a Redis.
pub(crate) fn redis(project: &Project) -> Result<(), SetupError> {
    if REDIS_PROGRAMS.into_iter().any(|name| project.find_on_path(name).is_some()) {
        return Ok(());
    }
    valkey::ensure(project)
}
