//! Installs one tool into a folder of the user's cache that is named after its version.

use std::fs;
use std::io;
use std::path::Path;

use super::plan::Source;
use super::{Tool, ToolsError, version};
use crate::child;
use crate::project::Project;
use crate::report;
use crate::setup::diagnosis::diagnose;

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
) -> Result<(), ToolsError> {
    let folder = tool.folder(project);
    let partial = folder.with_added_extension("partial");
    remove(&partial)?;
    if source != Source::Download || !download(project, tool, &partial)? {
        remove(&partial)?;
        compile(project, tool, &partial, target)?;
    }
    // Renamed last: a folder under its final name is complete.
    remove(&folder)?;
    fs::rename(&partial, &folder).map_err(|source| ToolsError::Folder {
        verb: "write",
        path: folder,
        source,
    })?;
    report::say("setup", &format!("{} installed", tool.label()));
    Ok(())
}

/// Whether cargo-binstall installed a program that runs and has the right version.
fn download(project: &Project, tool: &Tool<'_>, partial: &Path) -> Result<bool, ToolsError> {
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

fn compile(project: &Project, tool: &Tool<'_>, partial: &Path, target: &Path) -> Result<(), ToolsError> {
    let mut cargo = project.cargo();
    cargo
        .arg("install")
        .arg(crate_at_version(tool))
        .args(tool.flags)
        .arg("--root")
        .arg(partial)
        .env("CARGO_TARGET_DIR", target)
        .envs(QUICK_BUILD);
    let output = child::capture(cargo)?;
    if output.status.success() {
        return Ok(());
    }
    output.show();
    Err(ToolsError::Install { tool: tool.label(), diagnosis: diagnose(&output.last_lines) })
}

fn crate_at_version(tool: &Tool<'_>) -> String {
    format!("{}@{}", tool.crate_name, tool.version)
}

/// Removes a folder, if it is there.
pub(super) fn remove(path: &Path) -> Result<(), ToolsError> {
    match fs::remove_dir_all(path) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => {
            Err(ToolsError::Folder { verb: "remove", path: path.to_path_buf(), source })
        }
        _ => Ok(()),
    }
}
