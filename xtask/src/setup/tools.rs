//! Programs from crates.io in exact versions: from the user's cache, from PATH, downloaded or compiled.

use std::path::PathBuf;
use std::thread;

use crate::file;
use crate::lock;
use crate::project::Project;
use crate::report;

mod install;
mod plan;
mod version;

use super::SetupError;
use plan::{Order, Source};

/// A program and how it is installed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tool<'version> {
    crate_name: &'static str,
    version: &'version str,
    binary: &'static str,
    flags: &'static [&'static str],
    /// The folder of a package of ours that is compiled instead of the crate, for the sake of its lock file.
    package: Option<&'static str>,
    /// Seconds that two processors took to build it, measured on 2026-11-28.
    build_secs: u32,
}

/// Packages the crate `edge` as a worker. Has the version of the crate `worker`.
pub(crate) const WORKER_BUILD: Tool<'static> = Tool {
    crate_name: "worker-build",
    version: "0.8.7",
    binary: "worker-build",
    flags: &[],
    package: None,
    build_secs: 220,
};

/// Checks licences, duplicate versions and sources of crates. It fetches advisories with git, so its
/// default features are not needed.
pub(crate) const CARGO_DENY: Tool<'static> = Tool {
    crate_name: "cargo-deny",
    version: "0.20.2",
    binary: "cargo-deny",
    flags: &["--no-default-features"],
    package: None,
    build_secs: 66,
};

/// Finds unused dependencies.
pub(crate) const CARGO_MACHETE: Tool<'static> = Tool {
    crate_name: "cargo-machete",
    version: "0.9.2",
    binary: "cargo-machete",
    flags: &[],
    package: None,
    build_secs: 34,
};

/// Generates the JavaScript around the wasm. Its version must equal that of the crate `wasm-bindgen`. The
/// lock file that it is published with names a withdrawn version, which mirrors of the registry may not have.
pub(crate) fn wasm_bindgen(version: &str) -> Tool<'_> {
    Tool {
        crate_name: "wasm-bindgen-cli",
        version,
        binary: "wasm-bindgen",
        flags: &[],
        package: Some("xtask/wasm-bindgen"),
        build_secs: 80,
    }
}

impl Tool<'_> {
    fn label(&self) -> String {
        format!("{} {}", self.crate_name, self.version)
    }

    fn folder(&self, project: &Project) -> PathBuf {
        project.tools.join(format!("{}-{}", self.crate_name, self.version))
    }
}

/// A tool that is ready to run.
#[derive(Debug)]
pub(crate) struct Installed {
    pub(crate) path: PathBuf,
    /// Crate and version.
    pub(crate) label: String,
}

/// Finds the tools and installs the missing ones. Returns them in the same order.
pub(crate) fn ensure<const N: usize>(
    project: &Project,
    tools: [Tool<'_>; N],
) -> Result<[Installed; N], SetupError> {
    let located = tools.map(|tool| locate(project, &tool));
    if located.iter().any(|(source, _)| source.needs_installation()) {
        let _lock = lock::hold(&project.tools, "setup")?;
        // Located again: another process may have installed some while this one waited for the lock.
        let sources = tools.into_iter().map(|tool| (tool, locate(project, &tool).0));
        let processors = thread::available_parallelism().map_or(1, usize::from);
        install_all(project, &plan::order(sources, processors))?;
    }
    let mut paths = located.into_iter().map(|(_, path)| path);
    Ok(tools.map(|tool| Installed { path: paths.next().unwrap_or_default(), label: tool.label() }))
}

/// Where the tool comes from, and its path once it is installed.
fn locate(project: &Project, tool: &Tool<'_>) -> (Source, PathBuf) {
    let cached = tool.folder(project).join("bin").join(tool.binary);
    let is_cached = cached.is_file();
    let on_path = if is_cached { None } else { project.find_on_path(tool.binary) };
    let found = on_path.as_ref().and_then(|path| version::of(project, path));
    let has_binstall = project.find_on_path("cargo-binstall").is_some();
    match (plan::source(is_cached, found.as_deref(), tool.version, has_binstall), on_path) {
        (Source::Path, Some(path)) => (Source::Path, path),
        (source, _) => (source, cached),
    }
}

fn install_all(project: &Project, order: &Order<'_>) -> Result<(), SetupError> {
    let Some(announcement) = order.announcement() else { return Ok(()) };
    report::say("setup", &announcement);
    // Kept after an interruption, so that a second attempt continues; removed once all tools are there.
    let build = project.tools.join("build");
    let install = |tool: &Tool<'_>, source: Source| {
        // Cargo locks a target folder while it builds. One after the other, tools share the dependencies that
        // they have in common; at once, each needs a folder of its own.
        let target = if order.at_once { build.join(tool.crate_name) } else { build.clone() };
        install::install(project, tool, source, &target)
    };
    if order.at_once {
        thread::scope(|scope| {
            let threads: Vec<_> = order
                .steps
                .iter()
                .map(|(tool, source)| scope.spawn(move || install(tool, *source)))
                .collect();
            // Every thread is joined, and the first error is returned.
            threads.into_iter().map(join).fold(Ok(()), Result::and)
        })?;
    } else {
        order.steps.iter().try_for_each(|(tool, source)| install(tool, *source))?;
    }
    Ok(file::remove(&build)?)
}

fn join(thread: thread::ScopedJoinHandle<'_, Result<(), SetupError>>) -> Result<(), SetupError> {
    thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;

    #[test]
    fn the_locked_wasm_bindgen_has_the_version_of_the_workspace() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let folder = root.join(wasm_bindgen("").package.unwrap());
        let locked = |file: &Path, name: &str| {
            let text = fs::read_to_string(file).unwrap();
            let (_, rest) = text.split_once(&format!("name = \"{name}\"\nversion = \"")).unwrap();
            rest.split('"').next().unwrap().to_owned()
        };
        let workspace = locked(&root.join("Cargo.lock"), "wasm-bindgen");
        for name in ["wasm-bindgen-cli", "wasm-bindgen-locked"] {
            assert_eq!(locked(&folder.join("Cargo.lock"), name), workspace);
        }
        let manifest = fs::read_to_string(folder.join("Cargo.toml")).unwrap();
        assert!(manifest.contains(&format!("wasm-bindgen-cli = \"={workspace}\"")));
    }
}
