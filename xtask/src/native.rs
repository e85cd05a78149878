//! Builds one of the workspace's own programs and becomes it.

use std::ffi::OsString;

use crate::child::{self, ChildError};
use crate::project::Project;
use crate::report;

/// A program of the workspace and its build.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Program {
    pub(crate) binary: &'static str,
    pub(crate) profile: Profile,
}

/// Cargo's profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Profile {
    Dev,
    Release,
}

/// Builds the program and replaces this process by it. Returns only on failure.
pub(crate) fn build_and_exec(
    project: &Project,
    program: Program,
    arguments: &[OsString],
) -> Result<(), ChildError> {
    let mut build = project.cargo();
    // Cargo unifies the features of the packages it is asked for. `--package` would compile nearly every
    // dependency a second time beside the tests' build, the AWS SDK included.
    build.args(["build", "--workspace", "--bin", program.binary]);
    let folder = match program.profile {
        Profile::Dev => "debug",
        Profile::Release => {
            build.arg("--release");
            "release"
        }
    };
    child::run(build)?;
    report::say("build", &format!("{} built", program.binary));
    let mut command = project.command_here(project.target.join(folder).join(program.binary));
    command.args(arguments);
    Err(child::exec(command))
}
