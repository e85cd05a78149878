//! What we depend on: under which licence, from where, how often, and whether at all.

use super::StepError;
use crate::project::Project;
use crate::setup::{CARGO_DENY, CARGO_MACHETE};
use crate::{child, setup};

/// Licences, duplicate versions and sources, as `deny.toml` allows them.
pub(super) fn deny(project: &Project) -> Result<(), StepError> {
    let mut deny = project.command(setup::lint_tool(project, CARGO_DENY)?);
    deny.args(["check", "licenses", "bans", "sources"]);
    Ok(child::run(deny)?)
}

/// No crate declares a dependency that it does not use.
pub(super) fn machete(project: &Project) -> Result<(), StepError> {
    let mut machete = project.command(setup::lint_tool(project, CARGO_MACHETE)?);
    // With it, machete guesses from other variables whether its first word is its own name.
    machete.env_remove("CARGO");
    Ok(child::run(machete)?)
}
