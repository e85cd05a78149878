//! What the Rust tool chain itself checks.

use super::StepError;
use crate::project::Project;
use crate::{child, edge, setup};

/// Everything is formatted as `rustfmt.toml` has it.
pub(super) fn fmt(project: &Project) -> Result<(), StepError> {
    cargo(project, &["fmt", "--all", "--check"])
}

/// No warnings, of the compiler or of clippy, in any target of any crate.
pub(super) fn clippy(project: &Project) -> Result<(), StepError> {
    cargo(project, &["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"])
}

/// The same for the worker as it is deployed: what is only compiled for wasm is not seen natively.
pub(super) fn clippy_wasm(project: &Project) -> Result<(), StepError> {
    setup::wasm_target(project)?;
    let mut clippy = project.cargo();
    clippy
        .args(["clippy", "--package", "edge", "--lib", "--target", "wasm32-unknown-unknown"])
        .args(["--", "-D", "warnings"])
        .env(edge::WASM_VARIABLE.0, edge::WASM_VARIABLE.1);
    Ok(child::run(clippy)?)
}

/// The documentation builds without a broken link, that of private items included: it is for us.
pub(super) fn doc(project: &Project) -> Result<(), StepError> {
    let mut doc = project.cargo();
    doc.args(["doc", "--workspace", "--no-deps", "--document-private-items"])
        .env("RUSTDOCFLAGS", "-D warnings");
    Ok(child::run(doc)?)
}

fn cargo(project: &Project, words: &[&str]) -> Result<(), StepError> {
    let mut cargo = project.cargo();
    cargo.args(words);
    Ok(child::run(cargo)?)
}
