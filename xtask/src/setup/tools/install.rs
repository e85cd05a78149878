//! Installs one tool into a folder of the user's cache that is named after its version.

use std::fs;
use std::path::Path;

use super::plan::Source;
use super::{Tool, version};
use crate::child;
use crate::file::{self, FileError};
use crate::project::Project;
use crate::report;
use crate::setup::{self, SetupError};

/// Halves the build time of tools that run for a second.
const QUICK_BUILD: [(&str, &str); 3] = [
    ("CARGO_PROFILE_RELEASE_LTO", "off"),
    ("CARGO_PROFILE_RELEASE_OPT_LEVEL", "1"),
    ("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16"),
];

/// Installs the tool. A download that fails is followed by a build.
pub(super) fn install(
    project: &Project,
    tool: &Tool<'_>,
    source: Source,
    target: &Path,
) -> Result<(), SetupError> {
    let folder = tool.folder(project);
    let partial = folder.with_added_extension("partial");
    file::remove(&partial)?;
    if source != Source::Download || !download(project, tool, &partial)? {
        file::remove(&partial)?;
        compile(project, tool, &partial, target)?;
    }
    // Renamed last: a folder under its final name is complete.
    file::remove(&folder)?;
    fs::rename(&partial, &folder).map_err(FileError::of("write", &folder))?;
    report::say("setup", &format!("{} installed", tool.label()));
    Ok(())
}

/// Whether cargo-binstall installed a program that runs and has the right version.
fn download(project: &Project, tool: &Tool<'_>, partial: &Path) -> Result<bool, SetupError> {
    let bin = partial.join("bin");
    let mut binstall = project.cargo();
    binstall
        .args(["binstall", "--no-confirm", "--force", "--no-symlinks", "--disable-strategies", "compile"])
        .arg("--install-path")
        .arg(&bin)
        .arg(crate_at_version(tool))
        .env("BINSTALL_DISABLE_TELEMETRY", "true");
    let output = child::capture(binstall)?;
    if output.status.success()
        && version::of(project, &bin.join(tool.binary)).as_deref() == Some(tool.version)
    {
        return Ok(true);
    }
    let why = output.last_lines.last().map_or("", String::as_str);
    report::say("setup", &format!("building {}, because the download failed: {why}", tool.label()));
    Ok(false)
}

fn compile(project: &Project, tool: &Tool<'_>, partial: &Path, target: &Path) -> Result<(), SetupError> {
    let mut cargo = project.cargo();
    cargo.args(["install", "--locked"]);
    match tool.package {
        Some(folder) => cargo.arg("--path").arg(project.root.join(folder)),
        None => cargo.arg(crate_at_version(tool)),
    };
    cargo.args(tool.flags).arg("--root").arg(partial).env("CARGO_TARGET_DIR", target).envs(QUICK_BUILD);
    setup::check(&tool.label(), &child::capture(cargo)?)
}

fn crate_at_version(tool: &Tool<'_>) -> String {
    format!("{}@{}", tool.crate_name, tool.version)
}
