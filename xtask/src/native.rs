//! Builds one of the workspace's own programs and becomes it.

use std::ffi::OsString;

use crate::child::{self, ChildError};
use crate::project::Project;
use crate::report;

/// One of our programs, and how it is built.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Program {
    pub(crate) binary: &'static str,
    pub(crate) profile: Profile,
}

/// How cargo builds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Profile {
    Dev,
    Release,
}

/// The whole street on one machine, and its accounts.
pub(crate) const LOCAL: Program = Program { binary: "tillsync-local", profile: Profile::Dev };

/// Builds the program and turns this process into it. Comes back only with the reason why not.
///
/// # Errors
///
/// [`ChildError`] where it does not build or does not start.
pub(crate) fn build_and_become(
    project: &Project,
    program: Program,
    words: &[OsString],
) -> Result<(), ChildError> {
    let mut build = project.cargo();
    // Cargo chooses the features of dependencies for all packages it is asked about. Asked about one, it
    // would compile nearly everything again that the tests have compiled, the AWS SDK included.
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
    command.args(words);
    Err(child::become_program(command))
}
