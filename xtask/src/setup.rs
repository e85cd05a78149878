//! Installs what the commands need, once. Takes milliseconds when everything is there.
//!
//! Compiled tools go to the user's cache, which all clones share; packages go to git-ignored folders of the
//! project. An interrupted installation never counts: a tool's folder is renamed last, packages get their
//! record last.

use std::path::PathBuf;

use thiserror::Error;

use crate::project::Project;
use crate::report;

mod diagnosis;
mod install_record;
mod lock_file;
mod npm;
mod python;
mod tools;
mod wasm_target;

pub(crate) use tools::{CARGO_DENY, CARGO_MACHETE, Installed};
use tools::{MEEBIS, WORKER_BUILD};

/// Gives our programs the path of the development Redis.
pub(crate) const MEEBIS_VARIABLE: &str = "MEEBIS_BIN";

/// The programs that count as a Redis of the machine.
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

/// The tools that package the worker.
#[derive(Debug)]
pub(crate) struct EdgeTools {
    pub(crate) worker_build: Installed,
    pub(crate) wasm_bindgen: Installed,
}

/// Installs what builds and runs the worker.
///
/// # Errors
///
/// [`SetupError`] if something cannot be installed; its text says what to do.
pub(crate) fn edge(project: &Project) -> Result<EdgeTools, SetupError> {
    wasm_target::ensure(project)?;
    let version = lock_file::version_of(project, "wasm-bindgen")?;
    let [worker_build, wasm_bindgen] = tools::ensure(project, [WORKER_BUILD, tools::wasm_bindgen(&version)])?;
    npm::ensure(project)?;
    report::say("setup", "wasm target, worker-build, wasm-bindgen and npm packages are there");
    Ok(EdgeTools { worker_build, wasm_bindgen })
}

/// Installs what `dev` needs: the worker's tools, and a Redis where the machine has none.
///
/// # Errors
///
/// [`SetupError`] if something cannot be installed; its text says what to do.
pub(crate) fn dev(project: &Project) -> Result<EdgeTools, SetupError> {
    if has_redis(project) { edge(project) } else { Ok(test(project)?.0) }
}

/// Installs what `test` needs: the worker's tools and the development Redis.
///
/// # Errors
///
/// [`SetupError`] if something cannot be installed; its text says what to do.
pub(crate) fn test(project: &Project) -> Result<(EdgeTools, PathBuf), SetupError> {
    // Before the tools, because it fails at once where it cannot be added.
    wasm_target::ensure(project)?;
    // All tools together, so that one line says what will be built.
    let version = lock_file::version_of(project, "wasm-bindgen")?;
    let [.., meebis] = tools::ensure(project, [WORKER_BUILD, tools::wasm_bindgen(&version), MEEBIS])?;
    Ok((edge(project)?, meebis.path))
}

/// Installs all of `lint`'s compiled tools: its own and the worker's.
///
/// # Errors
///
/// [`SetupError`] if something cannot be installed; its text says what to do.
pub(crate) fn lint(project: &Project) -> Result<(), SetupError> {
    let version = lock_file::version_of(project, "wasm-bindgen")?;
    tools::ensure(project, [CARGO_DENY, CARGO_MACHETE, WORKER_BUILD, tools::wasm_bindgen(&version)])?;
    Ok(())
}

/// Installs one of `lint`'s own tools and returns its path.
///
/// # Errors
///
/// [`SetupError`] if it cannot be installed; its text says what to do.
pub(crate) fn lint_tool(project: &Project, tool: tools::Tool<'_>) -> Result<PathBuf, SetupError> {
    let [tool] = tools::ensure(project, [tool])?;
    Ok(tool.path)
}

/// The development Redis, if the machine has no Redis.
///
/// # Errors
///
/// [`SetupError`] if it cannot be installed; its text says what to do.
pub(crate) fn redis(project: &Project) -> Result<Option<PathBuf>, SetupError> {
    if has_redis(project) {
        return Ok(None);
    }
    let [meebis] = tools::ensure(project, [MEEBIS])?;
    Ok(Some(meebis.path))
}

fn has_redis(project: &Project) -> bool {
    REDIS_PROGRAMS.into_iter().any(|name| project.find_on_path(name).is_some())
}

/// Installs what compiling for the worker needs.
///
/// # Errors
///
/// [`SetupError`] if it cannot be installed; its text says what to do.
pub(crate) fn wasm_target(project: &Project) -> Result<(), SetupError> {
    Ok(wasm_target::ensure(project)?)
}

/// Installs the linter of `template.yaml` and returns its path.
///
/// # Errors
///
/// [`SetupError`] if it cannot be installed; its text says what to do.
pub(crate) fn cfn_lint(project: &Project) -> Result<PathBuf, SetupError> {
    Ok(python::ensure(project)?)
}
