//! `cargo xtask openapi`: the description of the wire that the edge serves, anew from the types.

use crate::native;
use crate::native::{Profile, Program};
use crate::project::Project;
use crate::task::TaskError;

const OPENAPI: Program = Program { binary: "openapi", profile: Profile::Dev };

/// Builds the program that writes it and becomes that program.
///
/// # Errors
///
/// [`TaskError`] where it does not build; it does not come back otherwise.
pub(crate) fn run(project: &Project) -> Result<(), TaskError> {
    let file = project.root.join("edge").join("openapi.json");
    Ok(native::build_and_become(project, OPENAPI, &[file.into()])?)
}
