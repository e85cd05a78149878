//! `cargo xtask replay`: a day of sales, many tills, equal stores at the end.

use std::ffi::OsString;

use crate::native::{Profile, Program};
use crate::project::Project;
use crate::task::TaskError;
use crate::{edge, native, setup};

const REPLAY: Program = Program { binary: "replay", profile: Profile::Dev };

/// Sets up, builds the worker and the replay, and becomes the replay.
///
/// # Errors
///
/// [`TaskError`] where one of them failed; it does not come back otherwise.
pub(crate) fn run(project: &Project, args: &[OsString]) -> Result<(), TaskError> {
    let tools = setup::edge(project)?;
    edge::build(project, &tools)?;
    Ok(native::build_and_become(project, REPLAY, args)?)
}
