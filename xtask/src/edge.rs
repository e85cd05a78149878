//! `cargo xtask edge`: the worker, as wrangler's `[build]` command and before everything that runs it.

use std::fs;
use std::hash::{DefaultHasher, Hasher};
use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::child::{self, ChildError};
use crate::lock::{self, LockError};
use crate::project::Project;
use crate::report;
use crate::setup::{self, EdgeTools, SetupError};

/// What wrangler is pointed at and uploads, in [`output`].
pub(crate) const WORKER_FILES: [&str; 2] = ["index_bg.wasm", "index.js"];

/// What worker-build sets for its own call of cargo. The macros read it without cargo's knowledge, so
/// whoever compiles for wasm without it leaves other code behind that cargo takes for current.
pub(crate) const WASM_VARIABLE: (&str, &str) = ("WASM_BINDGEN_USE_JS_SYS", "1");

/// Why there is no worker.
#[derive(Debug, Error)]
pub(crate) enum EdgeError {
    #[error("failed to {verb} {}: {source}", path.display())]
    File { verb: &'static str, path: PathBuf, source: io::Error },
    #[error(transparent)]
    Setup(#[from] SetupError),
    #[error(transparent)]
    Lock(#[from] LockError),
    #[error(transparent)]
    Child(#[from] ChildError),
}

/// Sets up and builds the worker.
///
/// # Errors
///
/// [`EdgeError`] where set-up or the build failed.
pub(crate) fn run(project: &Project) -> Result<(), EdgeError> {
    let tools = setup::edge(project)?;
    build(project, &tools)
}

/// Where the worker is built.
pub(crate) fn output(project: &Project) -> PathBuf {
    project.root.join("edge").join("build")
}

/// Builds the worker, unless it was built from the very same wasm with the same tools. Several may ask at
/// once: wrangler asks on every start, and tests start several beside `dev`.
///
/// # Errors
///
/// [`EdgeError`] where it does not compile, or the tools fail.
pub(crate) fn build(project: &Project, tools: &EdgeTools) -> Result<(), EdgeError> {
    let _lock = lock::hold(&project.locks(), "edge")?;
    compile(project)?;
    let output = output(project);
    let record = output.join(".built-from");
    let origin = origin(project, tools)?;
    if is_current(&fs::read_to_string(&record).unwrap_or_default(), &origin, &output) {
        report::say("edge", "the worker is up to date");
        return Ok(());
    }
    remove(&record)?;
    package(project, tools)?;
    // Last: an interrupted build does not count.
    fs::write(&record, &origin).map_err(|source| EdgeError::File { verb: "write", path: record, source })?;
    report::say("edge", "the worker is built");
    Ok(())
}

/// With the words and the folder that worker-build uses, so that cargo has nothing left to do for it.
fn compile(project: &Project) -> Result<(), EdgeError> {
    let mut cargo = project.cargo();
    cargo
        .args(["build", "--lib", "--release", "--target", "wasm32-unknown-unknown"])
        .env(WASM_VARIABLE.0, WASM_VARIABLE.1)
        .current_dir(project.root.join("edge"));
    Ok(child::run(cargo)?)
}

/// Bindings, optimisation, bundle. The variables keep worker-build from downloading these three itself.
fn package(project: &Project, tools: &EdgeTools) -> Result<(), EdgeError> {
    let mut worker_build = project.command(&tools.worker_build);
    worker_build
        .arg("--release")
        .env("WASM_BINDGEN_BIN", &tools.wasm_bindgen)
        .env("WASM_OPT_BIN", project.npm_program("wasm-opt"))
        .env("ESBUILD_BIN", project.npm_program("esbuild"))
        .current_dir(project.root.join("edge"));
    Ok(child::run(worker_build)?)
}

/// All that decides what the worker looks like: the wasm, the tools (whose paths name their versions) and
/// the npm packages.
fn origin(project: &Project, tools: &EdgeTools) -> Result<String, EdgeError> {
    let wasm = project.target.join("wasm32-unknown-unknown").join("release").join("edge.wasm");
    Ok(format!(
        "wasm {}\nworker-build {}\nwasm-bindgen {}\npackages {}\n",
        digest(&wasm)?,
        tools.worker_build.display(),
        tools.wasm_bindgen.display(),
        digest(&project.root.join("package-lock.json"))?,
    ))
}

/// Tells contents apart, no more. Another compiler may hash differently: that is one build too many.
fn digest(path: &Path) -> Result<String, EdgeError> {
    let read = |source| EdgeError::File { verb: "read", path: path.to_path_buf(), source };
    let bytes = fs::read(path).map_err(read)?;
    let mut hasher = DefaultHasher::new();
    hasher.write(&bytes);
    Ok(format!("{:016x}", hasher.finish()))
}

fn is_current(recorded: &str, origin: &str, output: &Path) -> bool {
    recorded == origin && WORKER_FILES.iter().all(|name| output.join(name).is_file())
}

fn remove(record: &Path) -> Result<(), EdgeError> {
    match fs::remove_file(record) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => {
            Err(EdgeError::File { verb: "remove", path: record.to_path_buf(), source })
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_worker_is_current_only_from_the_same_origin_and_complete() {
        let folder = std::env::temp_dir().join(format!("tillsync-edge-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        assert!(!is_current("wasm 1", "wasm 1", &folder));
        for name in WORKER_FILES {
            fs::write(folder.join(name), "").unwrap();
        }
        assert!(is_current("wasm 1", "wasm 1", &folder));
        assert!(!is_current("wasm 1", "wasm 2", &folder));
        assert!(!is_current("", "wasm 1", &folder));
        fs::remove_dir_all(&folder).unwrap();
    }
}
