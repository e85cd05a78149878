//! The steps that run another program.

use super::StepError;
use crate::project::Project;
use crate::setup::{CARGO_DENY, CARGO_MACHETE};
use crate::{child, edge, setup};

/// Formatting, by `rustfmt.toml`.
pub(super) fn fmt(project: &Project) -> Result<(), StepError> {
    cargo(project, &["fmt", "--all", "--check"])
}

/// Installs the tools of all steps, so that one line says what will be built.
pub(super) fn install(project: &Project) -> Result<(), StepError> {
    Ok(setup::lint(project)?)
}

/// Licences, duplicate versions and sources, by `deny.toml`.
pub(super) fn deny(project: &Project) -> Result<(), StepError> {
    let mut deny = project.command(setup::lint_tool(project, CARGO_DENY)?);
    deny.args(["check", "licenses", "bans", "sources"]);
    Ok(child::run(deny)?)
}

pub(super) fn machete(project: &Project) -> Result<(), StepError> {
    let mut machete = project.command(setup::lint_tool(project, CARGO_MACHETE)?);
    // With `CARGO` set, machete guesses whether its first argument is its own name.
    machete.env_remove("CARGO");
    Ok(child::run(machete)?)
}

/// Warnings of the compiler and of clippy, in every target of every crate.
pub(super) fn clippy(project: &Project) -> Result<(), StepError> {
    cargo(project, &["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"])
}

/// The same for the worker's wasm code, which the native build does not compile.
pub(super) fn clippy_wasm(project: &Project) -> Result<(), StepError> {
    setup::wasm_target(project)?;
    let mut clippy = project.cargo();
    clippy
        .args(["clippy", "--package", "edge", "--lib", "--target", "wasm32-unknown-unknown"])
        .args(["--", "-D", "warnings"])
        .env(edge::WASM_VARIABLE.0, edge::WASM_VARIABLE.1);
    Ok(child::run(clippy)?)
}

/// Broken links in the documentation, private items included.
pub(super) fn doc(project: &Project) -> Result<(), StepError> {
    let mut doc = project.cargo();
    doc.args(["doc", "--workspace", "--no-deps", "--document-private-items"])
        .env("RUSTDOCFLAGS", "-D warnings");
    Ok(child::run(doc)?)
}

/// `template.yaml`, by cfn-lint, which knows SAM's transform.
pub(super) fn template(project: &Project) -> Result<(), StepError> {
    if !project.root.join("template.yaml").is_file() {
        return Err(StepError::NoTemplate);
    }
    let mut lint = project.command(setup::cfn_lint(project)?);
    lint.args(["--non-zero-exit-code", "informational", "--", "template.yaml"]);
    Ok(child::run(lint)?)
}

fn cargo(project: &Project, words: &[&str]) -> Result<(), StepError> {
    let mut cargo = project.cargo();
    cargo.args(words);
    Ok(child::run(cargo)?)
}
