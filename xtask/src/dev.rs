//! `cargo xtask dev`: the whole street on this machine.

use std::ffi::OsString;

use crate::project::Project;
use crate::task::TaskError;
use crate::{edge, native, setup};

/// Sets up, builds the worker and the stack, and becomes the stack.
///
/// # Errors
///
/// [`TaskError`] where one of them failed; it does not come back otherwise.
pub(crate) fn run(project: &Project, args: &[OsString]) -> Result<(), TaskError> {
    let tools = setup::edge(project)?;
    // The stack looks for it where it is installed.
    setup::redis(project)?;
    // Before the stack starts, so that the compiler's messages are not between the lines of the stack;
    // wrangler builds again when it starts, which is then quick.
    edge::build(project, &tools)?;
    let words: Vec<OsString> = std::iter::once("dev".into()).chain(args.iter().cloned()).collect();
    Ok(native::build_and_become(project, native::LOCAL, &words)?)
}
