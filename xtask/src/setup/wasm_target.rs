//! The compiler's target for the worker.

use std::path::Path;

use super::SetupError;
use super::diagnosis::diagnose;
use crate::child;
use crate::project::Project;
use crate::report;

/// The target that workerd runs.
pub(super) const TARGET: &str = "wasm32-unknown-unknown";

/// Adds the target if it is missing.
pub(crate) fn ensure(project: &Project) -> Result<(), SetupError> {
    // Looks where the compiler looks: asking rustup takes ten times as long.
    let mut rustc = project.command("rustc");
    rustc.args(["--print", "sysroot"]);
    let output = child::capture(rustc)?;
    let sysroot = match output.last_lines.last() {
        Some(sysroot) if output.status.success() => Path::new(sysroot),
        _ => return Err(SetupError::NoCompiler { why: output.last_lines.join(" ") }),
    };
    if sysroot.join("lib").join("rustlib").join(TARGET).is_dir() {
        return Ok(());
    }

    report::say("setup", &format!("adding the target {TARGET} with rustup"));
    let mut rustup = project.command("rustup");
    rustup.args(["target", "add", TARGET]);
    let output = match child::capture(rustup) {
        Err(error) if error.is_not_found() => return Err(SetupError::NoRustup),
        output => output?,
    };
    if !output.status.success() {
        output.show();
        return Err(SetupError::Target { diagnosis: diagnose(&output.last_lines) });
    }
    report::say("setup", &format!("target {TARGET} added"));
    Ok(())
}
