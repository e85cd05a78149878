//! The npm packages that build and run the worker, from `package-lock.json`.

use super::SetupError;
use super::install_record::InstallRecord;
use crate::child::Output;
use crate::lock;
use crate::project::Project;
use crate::report;

/// What is installed, in error messages.
const PACKAGES: &str = "the npm packages";

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

/// Installs the packages if they are missing or differ from the lock file.
pub(crate) fn ensure(project: &Project) -> Result<(), SetupError> {
    let record = InstallRecord {
        list: project.root.join("package-lock.json"),
        copy: project.root.join("node_modules").join(".installed-package-lock.json"),
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
    report::say("setup", "installing the npm packages");
    super::check(PACKAGES, &run(project, "npm", &INSTALL)?)?;
    if let Some(program) = PROGRAMS.into_iter().find(|name| !project.npm_program(name).exists()) {
        return Err(SetupError::LeftOut { program });
    }
    record.set()?;
    report::say("setup", "npm packages installed");
    Ok(())
}

fn check_node(project: &Project) -> Result<(), SetupError> {
    let output = run(project, "node", &["--version"])?;
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

fn run(project: &Project, program: &'static str, args: &[&str]) -> Result<Output, SetupError> {
    // The machine's own Node: npm must not run under the Node that it replaces.
    let mut command = project.machine_command(program);
    command.args(args);
    super::capture(PACKAGES, "Node 20", program, command)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_major_version_of_node_is_parsed() {
        assert_eq!(major("v22.23.3\n"), Some(22));
        assert_eq!(major("v9.0.0-rc.1"), Some(9));
        assert_eq!(major("22.0.0"), None);
        assert_eq!(major("command not found"), None);
        assert_eq!(major(""), None);
    }
}
