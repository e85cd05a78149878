//! npm packages, each set from its `package-lock.json`.

use std::path::Path;

use super::SetupError;
use super::install_record::InstallRecord;
use crate::child::Output;
use crate::lock;
use crate::project::Project;
use crate::report;

/// The oldest Node whose npm installs our packages. Wrangler runs under the newer Node among the packages.
const NODE_MAJOR_MIN: u32 = 20;

/// The programs that the project runs. The packages of other platforms are left out, and so is a program that
/// has none for this platform.
const PROGRAMS: [&str; 5] = ["node", "wrangler", "workerd", "wasm-opt", "esbuild"];

/// Installs exactly the lock file. Install scripts do not run: they may fetch what no lock file pins, and the
/// packages work without them. Downloads are retried after one and after five seconds: with npm's own
/// defaults, a machine without a network would show nothing for a minute.
const INSTALL: [&str; 7] = [
    "ci",
    "--ignore-scripts",
    "--no-audit",
    "--no-fund",
    "--loglevel=error",
    "--fetch-retry-mintimeout=1000",
    "--fetch-retry-maxtimeout=5000",
];

/// Installs what builds and runs the worker.
pub(crate) fn ensure(project: &Project) -> Result<(), SetupError> {
    install(project, &project.root, "the npm packages", &PROGRAMS)
}

/// Installs RxServer, which a benchmark measures beside ours.
pub(crate) fn rxserver(project: &Project) -> Result<(), SetupError> {
    let folder = project.root.join("tests/src/bench/bootstrap/rxserver");
    install(project, &folder, "the npm packages of RxServer", &[])
}

/// Installs partyserver, which a benchmark measures beside our rooms.
pub(crate) fn partyserver(project: &Project) -> Result<(), SetupError> {
    let folder = project.root.join("tests/src/bench/rooms/partyserver");
    install(project, &folder, "the npm packages of partyserver", &[])
}

/// Installs the packages of `folder` if they are missing or differ from its lock file. They must contain
/// `programs`.
fn install(
    project: &Project,
    folder: &Path,
    what: &'static str,
    programs: &[&'static str],
) -> Result<(), SetupError> {
    let packages = folder.join("node_modules");
    let record = InstallRecord {
        list: folder.join("package-lock.json"),
        copy: packages.join(".installed-package-lock.json"),
    };
    if record.is_current()? {
        return Ok(());
    }
    let _lock = lock::hold(&project.locks(), "setup")?;
    // Another process may have installed them while this one waited for the lock.
    if record.is_current()? {
        return Ok(());
    }
    check_node(project)?;
    record.clear()?;
    report::say("setup", &format!("installing {what}"));
    super::check(what, &run(project, folder, "npm", &INSTALL)?)?;
    if let Some(program) = programs.iter().find(|name| !packages.join(".bin").join(name).exists()) {
        return Err(SetupError::LeftOut { program });
    }
    record.set()?;
    report::say("setup", &format!("{what} are installed"));
    Ok(())
}

fn check_node(project: &Project) -> Result<(), SetupError> {
    let output = run(project, &project.root, "node", &["--version"])?;
    let found = output.last_lines.concat();
    match major(&found) {
        Some(major) if major >= NODE_MAJOR_MIN => Ok(()),
        _ => Err(SetupError::NodeTooOld { found }),
    }
}

/// The first number of `v22.23.3`.
fn major(version: &str) -> Option<u32> {
    version.trim().strip_prefix('v')?.split('.').next()?.parse().ok()
}

fn run(project: &Project, folder: &Path, program: &'static str, args: &[&str]) -> Result<Output, SetupError> {
    // The machine's own Node: npm must not run under the Node that it replaces.
    let mut command = project.machine_command(program);
    command.args(args).current_dir(folder);
    super::capture("npm packages", "Node 20", program, command)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The file is for a person who calls npm; the option also covers folders without it, such as RxServer's.
    #[test]
    fn install_scripts_do_not_run() {
        assert!(INSTALL[0] == "ci" && INSTALL.contains(&"--ignore-scripts"));
        let settings = include_str!("../../../.npmrc");
        assert!(settings.lines().any(|line| line.trim() == "ignore-scripts=true"), "{settings}");
    }

    #[test]
    fn the_major_version_of_node_is_parsed() {
        assert_eq!(major("v22.23.3\n"), Some(22));
        assert_eq!(major("v9.0.0-rc.1"), Some(9));
        assert_eq!(major("22.0.0"), None);
        assert_eq!(major("command not found"), None);
        assert_eq!(major(""), None);
    }
}
