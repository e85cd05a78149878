//! Tools that cargo compiles, each into a folder of the user's cache that is named after its version.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use super::diagnosis::{Diagnosis, diagnose};
use super::show_last_lines;
use crate::child::{self, ChildError};
use crate::lock::{self, LockError};
use crate::project::Project;
use crate::report;

/// A tool and how it is installed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tool<'version> {
    crate_name: &'static str,
    version: &'version str,
    binary: &'static str,
    flags: &'static [&'static str],
}

/// Turns the crate `edge` into a worker. Of the same version as the crate `worker`.
pub(crate) const WORKER_BUILD: Tool<'static> =
    Tool { crate_name: "worker-build", version: "0.8.7", binary: "worker-build", flags: &["--locked"] };

/// Checks licences, duplicate versions and where crates come from. Its default features only serve to
/// fetch advisories.
pub(crate) const CARGO_DENY: Tool<'static> = Tool {
    crate_name: "cargo-deny",
    version: "0.20.2",
    binary: "cargo-deny",
    flags: &["--locked", "--no-default-features"],
};

/// Finds dependencies that nothing uses.
pub(crate) const CARGO_MACHETE: Tool<'static> =
    Tool { crate_name: "cargo-machete", version: "0.9.2", binary: "cargo-machete", flags: &["--locked"] };

/// A development Redis, for machines that have no other.
pub(crate) const MEEBIS: Tool<'static> =
    Tool { crate_name: "meebis", version: "0.15.0", binary: "meebis", flags: &["--locked"] };

/// Writes the JavaScript around the wasm. Its output only fits the crate `wasm-bindgen` of the very same
/// version. Not `--locked`: its own lock file names a version that was withdrawn, which mirrors of the
/// registry need not have.
pub(crate) fn wasm_bindgen(version: &str) -> Tool<'_> {
    Tool { crate_name: "wasm-bindgen-cli", version, binary: "wasm-bindgen", flags: &[] }
}

/// Half the time to build, for tools that run for a second.
const QUICKER_BUILD: [(&str, &str); 3] = [
    ("CARGO_PROFILE_RELEASE_LTO", "off"),
    ("CARGO_PROFILE_RELEASE_OPT_LEVEL", "1"),
    ("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16"),
];

/// Why a tool could not be installed.
#[derive(Debug, Error)]
pub(crate) enum ToolsError {
    #[error("failed to install {tool}: {diagnosis}")]
    Install { tool: String, diagnosis: Diagnosis },
    #[error("failed to {verb} {}: {source}", path.display())]
    Folder { verb: &'static str, path: PathBuf, source: io::Error },
    #[error(transparent)]
    Lock(#[from] LockError),
    #[error(transparent)]
    Child(#[from] ChildError),
}

impl Tool<'_> {
    fn label(&self) -> String {
        format!("{} {}", self.crate_name, self.version)
    }

    fn folder(&self) -> String {
        format!("{}-{}", self.crate_name, self.version)
    }
}

/// Where the tool's program is once it is installed.
pub(crate) fn program(project: &Project, tool: &Tool<'_>) -> PathBuf {
    project.tools.join(tool.folder()).join("bin").join(tool.binary)
}

/// Installs those of the tools that are missing.
///
/// # Errors
///
/// [`ToolsError`] where one cannot be installed.
pub(crate) fn ensure(project: &Project, tools: &[Tool<'_>]) -> Result<(), ToolsError> {
    let is_missing = |tool: &&Tool<'_>| !program(project, tool).is_file();
    if !tools.iter().any(|tool| is_missing(&tool)) {
        return Ok(());
    }
    let _lock = lock::hold(&project.tools, "setup")?;
    // Shared by the tools of one set-up, which have dependencies in common, and by a second attempt after
    // an interrupted one; of no use once all are there.
    let build = project.tools.join("build");
    for tool in tools.iter().filter(is_missing) {
        install(project, tool, &build)?;
    }
    remove(&build)
}

fn install(project: &Project, tool: &Tool<'_>, build: &Path) -> Result<(), ToolsError> {
    report::say("setup", &format!("building {}, which takes some minutes, once", tool.label()));
    let partial = project.tools.join(format!("{}.partial", tool.folder()));
    remove(&partial)?;
    let mut cargo = project.cargo();
    cargo
        .arg("install")
        .arg(format!("{}@{}", tool.crate_name, tool.version))
        .args(tool.flags)
        .arg("--root")
        .arg(&partial)
        .env("CARGO_TARGET_DIR", build)
        .envs(QUICKER_BUILD);
    let outcome = child::run_out_of_sight(cargo)?;
    if !outcome.status.success() {
        show_last_lines(&outcome);
        let diagnosis = diagnose(&outcome.last_lines);
        return Err(ToolsError::Install { tool: tool.label(), diagnosis });
    }
    // What is there under its final name is complete.
    let folder = project.tools.join(tool.folder());
    remove(&folder)?;
    fs::rename(&partial, &folder).map_err(|source| ToolsError::Folder {
        verb: "write",
        path: folder,
        source,
    })?;
    report::say("setup", &format!("{} installed", tool.label()));
    Ok(())
}

fn remove(path: &Path) -> Result<(), ToolsError> {
    match fs::remove_dir_all(path) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => {
            Err(ToolsError::Folder { verb: "remove", path: path.to_path_buf(), source })
        }
        _ => Ok(()),
    }
}
