//! `cargo xtask edge`: builds the worker, for wrangler's `[build]` and for every task that runs the worker.

use std::fs;
use std::hash::{DefaultHasher, Hasher};
use std::path::{Path, PathBuf};

use crate::child;
use crate::file::{self, FileError};
use crate::lock;
use crate::project::Project;
use crate::report;
use crate::setup::{self, EdgeTools, SetupError};

/// The files in [`output`] that wrangler uploads.
pub(crate) const WORKER_FILES: [&str; 2] = [WASM_FILE, "index.js"];
pub(crate) const WASM_FILE: &str = "index_bg.wasm";

/// A variable that worker-build sets for cargo. wasm-bindgen's macros read it without telling cargo, so every
/// wasm build must set it: cargo would take code that was compiled without it for current.
pub(crate) const WASM_VARIABLE: (&str, &str) = ("WASM_BINDGEN_USE_JS_SYS", "1");

/// The profile in Cargo.toml.
const PROFILE: &str = "worker";

pub(crate) fn run(project: &Project) -> Result<(), SetupError> {
    let tools = setup::edge(project)?;
    build(project, &tools)
}

pub(crate) fn output(project: &Project) -> PathBuf {
    project.root.join("edge").join("build")
}

/// Builds the worker, unless it was built from the same wasm with the same tools. Safe to call from several
/// processes: every start of wrangler calls it, and tests start several beside `dev`.
pub(crate) fn build(project: &Project, tools: &EdgeTools) -> Result<(), SetupError> {
    let _lock = lock::hold(&project.locks(), "edge")?;
    compile(project)?;
    let output = output(project);
    let record = output.join(".built-from");
    let inputs = inputs(project, tools)?;
    if is_current(&fs::read_to_string(&record).unwrap_or_default(), &inputs, &output) {
        report::say("edge", "the worker is up to date");
        return Ok(());
    }
    file::remove(&record)?;
    package(project, tools)?;
    // Written last, so that an interrupted build does not count.
    fs::write(&record, &inputs).map_err(FileError::of("write", &record))?;
    report::say("edge", "the worker is built");
    Ok(())
}

/// Compiles with the arguments and target folder of worker-build, so that worker-build finds the result.
fn compile(project: &Project) -> Result<(), SetupError> {
    let mut cargo = project.cargo();
    cargo
        .args(["build", "--lib", "--profile", PROFILE, "--target", "wasm32-unknown-unknown"])
        .env(WASM_VARIABLE.0, WASM_VARIABLE.1)
        .current_dir(project.root.join("edge"));
    Ok(child::run(cargo)?)
}

/// Generates bindings, optimises and bundles. The variables keep worker-build from downloading these tools.
fn package(project: &Project, tools: &EdgeTools) -> Result<(), SetupError> {
    let mut worker_build = project.command(&tools.worker_build.path);
    worker_build
        .args(["--profile", PROFILE])
        .env("WASM_BINDGEN_BIN", &tools.wasm_bindgen.path)
        .env("WASM_OPT_BIN", project.npm_program("wasm-opt"))
        .env("ESBUILD_BIN", project.npm_program("esbuild"))
        .current_dir(project.root.join("edge"));
    child::run(worker_build)?;
    strip(project)
}

/// Removes the names of functions, which worker-build keeps and which are a tenth of the worker. Only stack
/// traces show them; a panic tells its file and line.
fn strip(project: &Project) -> Result<(), SetupError> {
    let wasm = output(project).join(WASM_FILE);
    let mut wasm_opt = project.command(project.npm_program("wasm-opt"));
    wasm_opt.args(["--strip-debug", "--output"]).arg(&wasm).arg(&wasm);
    Ok(child::run(wasm_opt)?)
}

/// Everything that the worker is made from: the wasm, the tools and the npm packages.
fn inputs(project: &Project, tools: &EdgeTools) -> Result<String, SetupError> {
    let wasm = project.target.join("wasm32-unknown-unknown").join(PROFILE).join("edge.wasm");
    Ok(format!(
        "wasm {}\n{}\n{}\npackages {}\n",
        digest(&wasm)?,
        tools.worker_build.label,
        tools.wasm_bindgen.label,
        digest(&project.root.join("package-lock.json"))?,
    ))
}

/// A hash that tells contents apart. Another compiler version may hash differently, which costs one build.
fn digest(path: &Path) -> Result<String, FileError> {
    let bytes = fs::read(path).map_err(FileError::of("read", path))?;
    let mut hasher = DefaultHasher::new();
    hasher.write(&bytes);
    Ok(format!("{:016x}", hasher.finish()))
}

fn is_current(recorded: &str, inputs: &str, output: &Path) -> bool {
    recorded == inputs && WORKER_FILES.iter().all(|name| output.join(name).is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_worker_is_current_only_with_the_same_inputs_and_all_its_files() {
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
