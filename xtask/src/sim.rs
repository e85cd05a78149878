//! `cargo xtask sim`: tills over a faulty network, all from a seed.

use std::ffi::OsString;

use crate::native::{self, Profile, Program};
use crate::project::Project;
use crate::task::TaskError;

/// Asks for the build that the tests use: slower seeds, and nothing to compile after them.
const DEV: &str = "--dev";

/// Builds the simulation and becomes it. It needs no worker, so nothing is set up.
///
/// # Errors
///
/// [`TaskError`] where it does not build; it does not come back otherwise.
pub(crate) fn run(project: &Project, args: &[OsString]) -> Result<(), TaskError> {
    let profile = if args.iter().any(|arg| arg == DEV) { Profile::Dev } else { Profile::Release };
    let rest: Vec<OsString> = args.iter().filter(|arg| *arg != DEV).cloned().collect();
    Ok(native::build_and_become(project, Program { binary: "sim", profile }, &rest)?)
}
