//! The folders of the project, cargo's target folder and the tools that all clones share.

use std::env;
use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use thiserror::Error;

use crate::setup::VALKEY_FOLDER;

/// Names the project's root to the programs we run, which keep the caller's working directory.
const ROOT_VARIABLE: &str = "TILLSYNC_ROOT";

/// The folders that commands work with, all absolute.
#[derive(Debug)]
pub(crate) struct Project {
    /// The folder of the workspace's `Cargo.toml`.
    pub(crate) root: PathBuf,
    /// Cargo's target folder, as the caller chose it.
    pub(crate) target: PathBuf,
    /// Installed tools in folders `<crate>-<version>`, below the user's cache directory.
    pub(crate) tools: PathBuf,
    /// The caller's PATH without our npm packages: it finds the machine's own Node.
    machine_path: OsString,
    /// The same with our npm packages first, which include a Node that is new enough for wrangler, and the
    /// Valkey that we may have installed last.
    project_path: OsString,
}

#[derive(Debug, Error)]
pub(crate) enum ProjectError {
    #[error("failed to find the project: run it as `cargo xtask`")]
    NotUnderCargo,
    #[error("failed to find the user's cache directory: neither XDG_CACHE_HOME nor HOME is set")]
    NoCache,
    #[error("failed to find cargo's target directory: {source}")]
    Target { source: io::Error },
    #[error("failed to put node_modules/.bin on PATH: {source}")]
    Path { source: env::JoinPathsError },
}

impl Project {
    /// Finds the folders from the environment that cargo sets.
    pub(crate) fn find() -> Result<Self, ProjectError> {
        let manifest = env::var_os("CARGO_MANIFEST_DIR").ok_or(ProjectError::NotUnderCargo)?;
        let root = Path::new(&manifest).parent().ok_or(ProjectError::NotUnderCargo)?.to_path_buf();
        let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
        // Absolute, because the worker is built in another folder than the rest.
        let target = std::path::absolute(target).map_err(|source| ProjectError::Target { source })?;
        let tools = user_cache().ok_or(ProjectError::NoCache)?.join("tillsync").join("tools");
        let (machine_path, project_path) =
            search_paths(&root, &tools, env::var_os("PATH").unwrap_or_default().as_os_str())
                .map_err(|source| ProjectError::Path { source })?;
        Ok(Self { root, target, tools, machine_path, project_path })
    }

    /// A program that runs in the project's root with its npm packages and Valkey on PATH.
    pub(crate) fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = self.command_here(program);
        command.current_dir(&self.root);
        command
    }

    /// The same in the caller's folder, so that relative paths among the arguments work.
    pub(crate) fn command_here(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command
            .env("PATH", &self.project_path)
            .env("CARGO_TARGET_DIR", &self.target)
            .env(ROOT_VARIABLE, &self.root);
        command
    }

    /// A program of the machine itself, found without our npm packages.
    pub(crate) fn machine_command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = self.command(program);
        command.env("PATH", &self.machine_path);
        command
    }

    /// The first file of this name on the machine's PATH.
    pub(crate) fn find_on_path(&self, name: &str) -> Option<PathBuf> {
        env::split_paths(&self.machine_path).map(|folder| folder.join(name)).find(|path| path.is_file())
    }

    /// The cargo that runs us, in the project's root.
    pub(crate) fn cargo(&self) -> Command {
        self.command(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
    }

    /// The program of that name among our npm packages.
    pub(crate) fn npm_program(&self, name: &str) -> PathBuf {
        npm_programs(&self.root).join(name)
    }

    /// The folder of the locks, which git ignores.
    pub(crate) fn locks(&self) -> PathBuf {
        self.target.join("xtask")
    }
}

fn npm_programs(root: &Path) -> PathBuf {
    root.join("node_modules").join(".bin")
}

/// PATH without and with our programs. They are on it already when wrangler calls us.
fn search_paths(
    root: &Path,
    tools: &Path,
    path: &OsStr,
) -> Result<(OsString, OsString), env::JoinPathsError> {
    let (npm, valkey) = (npm_programs(root), tools.join(VALKEY_FOLDER).join("bin"));
    let is_ours = |entry: &PathBuf| *entry == npm || *entry == valkey;
    let machine: Vec<PathBuf> = env::split_paths(path).filter(|entry| !is_ours(entry)).collect();
    let project = std::iter::once(&npm).chain(&machine).chain(std::iter::once(&valkey));
    Ok((env::join_paths(&machine)?, env::join_paths(project)?))
}

/// The user's cache directory (XDG Base Directory Specification; Apple's File System Programming Guide).
fn user_cache() -> Option<PathBuf> {
    let named = env::var_os("XDG_CACHE_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    let below_home = if cfg!(target_os = "macos") { "Library/Caches" } else { ".cache" };
    named.or_else(|| env::var_os("HOME").map(|home| Path::new(&home).join(below_home)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_npm_packages_come_first_and_valkey_last() {
        let valkey = format!("/cache/{VALKEY_FOLDER}/bin");
        let caller = format!("{valkey}:/usr/bin:/shop/node_modules/.bin:/bin");
        let (machine, project) =
            search_paths(Path::new("/shop"), Path::new("/cache"), OsStr::new(&caller)).unwrap();
        assert_eq!(machine, "/usr/bin:/bin");
        assert_eq!(project, OsString::from(format!("/shop/node_modules/.bin:/usr/bin:/bin:{valkey}")));
    }
}
