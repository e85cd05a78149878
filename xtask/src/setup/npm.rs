//! The npm packages that build and run the worker, from `package-lock.json`.

use thiserror::Error;

use super::diagnosis::{Diagnosis, diagnose};
use super::install_record::{InstallRecord, RecordError};
use crate::child::{self, ChildError, Output};
use crate::lock::{self, LockError};
use crate::project::Project;
use crate::report;

/// The oldest Node whose npm installs our packages. Wrangler runs under the newer Node among the packages.
const NODE_MAJOR_MIN: u32 = 20;

/// The programs that the project runs. Install scripts create some of them, and npm may be configured to
/// skip those scripts.
const PROGRAMS: [&str; 5] = ["node", "wrangler", "workerd", "wasm-opt", "esbuild"];

/// Installs exactly the lock file. Downloads are retried after one and after five seconds: with npm's own
/// defaults, a machine without a network would show nothing for a minute.
const INSTALL: [&str; 6] = [
    "ci",
    "--no-audit",
    "--no-fund",
    "--loglevel=error",
    "--fetch-retry-mintimeout=1000",
    "--fetch-retry-maxtimeout=5000",
];

/// Why the packages are missing.
#[derive(Debug, Error)]
pub(crate) enum NpmError {
    #[error("failed to install the npm packages: `{program}` is not on PATH; install Node 20 or newer")]
    Missing { program: &'static str },
    #[error("failed to install the npm packages: Node 20 or newer is needed and this is {found}")]
    TooOld { found: String },
    #[error("failed to install the npm packages: {diagnosis}")]
    Install { diagnosis: Diagnosis },
    #[error("failed to install the npm packages: npm left out `{program}`; does it run install scripts?")]
    LeftOut { program: &'static str },
    #[error(transparent)]
    Record(#[from] RecordError),
    #[error(transparent)]
    Lock(#[from] LockError),
    #[error(transparent)]
    Child(#[from] ChildError),
}

/// Installs the packages if they are missing or differ from the lock file.
///
/// # Errors
///
/// [`NpmError`] if they cannot be installed.
pub(crate) fn ensure(project: &Project) -> Result<(), NpmError> {
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
    let output = run(project, "npm", &INSTALL)?;
    if !output.status.success() {
        output.show();
        return Err(NpmError::Install { diagnosis: diagnose(&output.last_lines) });
    }
    if let Some(program) = PROGRAMS.into_iter().find(|name| !project.npm_program(name).exists()) {
        return Err(NpmError::LeftOut { program });
    }
    record.set()?;
    report::say("setup", "npm packages installed");
    Ok(())
}

fn check_node(project: &Project) -> Result<(), NpmError> {
    let output = run(project, "node", &["--version"])?;
    let found = output.last_lines.concat();
    match major(&found) {
        Some(major) if major >= NODE_MAJOR_MIN => Ok(()),
        _ => Err(NpmError::TooOld { found }),
    }
}

/// The first number of `v22.23.3`.
fn major(version: &str) -> Option<u32> {
    version.trim().strip_prefix('v')?.split('.').next()?.parse().ok()
}

fn run(project: &Project, program: &'static str, args: &[&str]) -> Result<Output, NpmError> {
    // The machine's own Node: npm must not run under the Node that it replaces.
    let mut command = project.machine_command(program);
    command.args(args);
    match child::capture(command) {
        Err(error) if error.is_not_found() => Err(NpmError::Missing { program }),
        output => Ok(output?),
    }
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
