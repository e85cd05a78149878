//! The compiler's target for the worker.

use std::io::{self, ErrorKind};
use std::path::Path;

use thiserror::Error;

use super::diagnosis::{Diagnosis, diagnose};
use super::show_last_lines;
use crate::child::{self, ChildError};
use crate::project::Project;
use crate::report;

/// What workerd runs.
const TARGET: &str = "wasm32-unknown-unknown";

/// Why the target is not there.
#[derive(Debug, Error)]
pub(crate) enum WasmTargetError {
    #[error("failed to find rustc: {why}")]
    NoCompiler { why: String },
    #[error(
        "failed to add the target {TARGET}: it is not installed and neither is rustup, which could add it; \
         install Rust with rustup, or the target with what you installed Rust with"
    )]
    NoRustup,
    #[error("failed to add the target {TARGET}: {diagnosis}")]
    Add { diagnosis: Diagnosis },
    #[error(transparent)]
    Child(#[from] ChildError),
}

/// Adds the target where it is missing.
///
/// # Errors
///
/// [`WasmTargetError`] where it is missing and cannot be added.
pub(crate) fn ensure(project: &Project) -> Result<(), WasmTargetError> {
    // Where the compiler looks for it; asking rustup takes ten times as long.
    let mut question = project.command("rustc");
    question.args(["--print", "sysroot"]);
    let answer = child::run_out_of_sight(question)?;
    let sysroot = match answer.last_lines.last() {
        Some(sysroot) if answer.status.success() => Path::new(sysroot),
        _ => return Err(WasmTargetError::NoCompiler { why: answer.last_lines.join(" ") }),
    };
    if sysroot.join("lib").join("rustlib").join(TARGET).is_dir() {
        return Ok(());
    }

    report::say("setup", &format!("adding the target {TARGET} with rustup"));
    let mut rustup = project.command("rustup");
    rustup.args(["target", "add", TARGET]);
    let outcome = match child::run_out_of_sight(rustup) {
        Err(ChildError::Start { source, .. }) if is_missing(&source) => {
            return Err(WasmTargetError::NoRustup);
        }
        outcome => outcome?,
    };
    if !outcome.status.success() {
        show_last_lines(&outcome);
        return Err(WasmTargetError::Add { diagnosis: diagnose(&outcome.last_lines) });
    }
    report::say("setup", &format!("target {TARGET} added"));
    Ok(())
}

fn is_missing(error: &io::Error) -> bool {
    error.kind() == ErrorKind::NotFound
}
