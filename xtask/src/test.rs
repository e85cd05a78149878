//! `cargo xtask test`: every test, native and end to end.

use std::ffi::OsString;

use crate::project::Project;
use crate::task::TaskError;
use crate::{child, edge, report, setup};

/// Sets up, builds the worker and runs the tests of all crates; `args` go to cargo.
///
/// # Errors
///
/// [`TaskError`] where set-up, a build or a test failed.
pub(crate) fn run(project: &Project, args: &[OsString]) -> Result<(), TaskError> {
    let tools = setup::edge(project)?;
    let meebis = setup::meebis(project)?;
    edge::build(project, &tools)?;
    let mut tests = project.cargo();
    tests.args(["test", "--workspace", "--no-fail-fast"]).args(args);
    tests.env(setup::MEEBIS_VARIABLE, meebis);
    child::run(tests)?;
    report::say("test", "every test passed");
    Ok(())
}
