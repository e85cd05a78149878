//! `cargo xtask redis-rest`: a local Upstash, for whatever uses one.

use std::ffi::OsString;

use crate::project::Project;
use crate::task::TaskError;
use crate::{child, report, setup};

const PROGRAM: &str = "redis-rest";

/// Sets up a Redis where the machine has none, builds the front and becomes it.
///
/// # Errors
///
/// [`TaskError`] where one of them failed; it does not come back otherwise.
pub(crate) fn run(project: &Project, args: &[OsString]) -> Result<(), TaskError> {
    let meebis = setup::redis(project)?;
    let mut build = project.cargo();
    // Alone, unlike our other programs: it is small, and nobody who wants a Redis should wait for an SDK.
    build.args(["build", "--package", PROGRAM, "--bin", PROGRAM]);
    child::run(build)?;
    report::say("build", &format!("{PROGRAM} built"));
    let mut program = project.command_here(project.target.join("debug").join(PROGRAM));
    program.args(args).envs(meebis.map(|path| (setup::MEEBIS_VARIABLE, path)));
    Err(child::become_program(program).into())
}
