//! `cargo xtask bench`: the figures of BENCHMARKS.md.

use std::ffi::OsString;

use crate::native::{Profile, Program};
use crate::project::Project;
use crate::task::TaskError;
use crate::{edge, native, setup};

/// What can be measured.
pub(crate) const BENCHES: [&str; 2] = ["sync", "redis"];

/// In release, because what is compared with the bare SDK is what is deployed.
const BENCH: Program = Program { binary: "bench", profile: Profile::Release };

/// Sets up, builds the worker and the benchmarks, and becomes the one that is named first.
///
/// # Errors
///
/// [`TaskError`] where one of them failed; it does not come back otherwise.
pub(crate) fn run(project: &Project, args: &[OsString]) -> Result<(), TaskError> {
    let tools = setup::edge(project)?;
    edge::build(project, &tools)?;
    Ok(native::build_and_become(project, BENCH, args)?)
}
