//! `cargo xtask user`: the accounts of the running stack.

use std::ffi::OsString;

use crate::native;
use crate::project::Project;
use crate::task::TaskError;

/// Builds the stack's program and becomes its `user` command. Needs no set-up: nothing of it is run.
///
/// # Errors
///
/// [`TaskError`] where it does not build; it does not come back otherwise.
pub(crate) fn run(project: &Project, args: &[OsString]) -> Result<(), TaskError> {
    let words: Vec<OsString> = std::iter::once("user".into()).chain(args.iter().cloned()).collect();
    Ok(native::build_and_become(project, native::LOCAL, &words)?)
}
