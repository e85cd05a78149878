//! Builds one of the workspace's own programs and becomes it.

use std::ffi::OsString;

use crate::child::{self, ChildError};
use crate::project::Project;
use crate::report;

/// Cargo's profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Profile {
    Dev,
    Release,
}

/// Builds the program and replaces this process by it. Returns only on failure.
pub(crate) fn build_and_exec(
    project: &Project,
    binary: &str,
    profile: Profile,
    arguments: &[OsString],
) -> Result<(), ChildError> {
    let mut build = project.cargo();
    // Cargo unifies the features of the packages it is asked for. `--package` would compile nearly every
    // dependency a second time beside the tests' build, the AWS SDK included.
    build.args(["build", "--workspace", "--bin", binary]);
    let folder = match profile {
        Profile::Dev => "debug",
        Profile::Release => {
            build.arg("--release");
            "release"
        }
    };
    child::run(build)?;
    report::say("build", &format!("{binary} built"));
    let mut command = project.command_here(project.target.join(folder).join(binary));
    command.args(arguments);
    Err(child::exec(command))
}
