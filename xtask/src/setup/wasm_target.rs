//! The compiler's target for the worker.

use std::path::Path;

use thiserror::Error;

use super::diagnosis::{Diagnosis, diagnose};
use crate::child::{self, ChildError};
use crate::project::Project;
use crate::report;

/// The target that workerd runs.
const TARGET: &str = "wasm32-unknown-unknown";

/// Why the target is missing.
#[derive(Debug, Error)]
pub(crate) enum WasmTargetError {
    #[error("failed to find rustc: {why}")]
    NoCompiler { why: String },
    #[error(
        "failed to add the target {TARGET}: it is not installed, and neither is rustup, which could add it; \
         install Rust with rustup, or the target with what you installed Rust with"
    )]
    NoRustup,
    #[error("failed to add the target {TARGET}: {diagnosis}")]
    Add { diagnosis: Diagnosis },
    #[error(transparent)]
    Child(#[from] ChildError),
}

/// Adds the target if it is missing.
///
/// # Errors
///
/// [`WasmTargetError`] if it cannot be added.
pub(crate) fn ensure(project: &Project) -> Result<(), WasmTargetError> {
    // Looks where the compiler looks: asking rustup takes ten times as long.
    let mut rustc = project.command("rustc");
    rustc.args(["--print", "sysroot"]);
    let output = child::capture(rustc)?;
    let sysroot = match output.last_lines.last() {
        Some(sysroot) if output.status.success() => Path::new(sysroot),
        _ => return Err(WasmTargetError::NoCompiler { why: output.last_lines.join(" ") }),
    };
    if sysroot.join("lib").join("rustlib").join(TARGET).is_dir() {
        return Ok(());
    }

    report::say("setup", &format!("adding the target {TARGET} with rustup"));
    let mut rustup = project.command("rustup");
    rustup.args(["target", "add", TARGET]);
    let output = match child::capture(rustup) {
        Err(error) if error.is_not_found() => return Err(WasmTargetError::NoRustup),
        output => output?,
    };
    if !output.status.success() {
        output.show();
        return Err(WasmTargetError::Add { diagnosis: diagnose(&output.last_lines) });
    }
    report::say("setup", &format!("target {TARGET} added"));
    Ok(())
}
