//! The npm packages that build and run the worker, as `package-lock.json` has them.

use std::io::ErrorKind;

use thiserror::Error;

use super::diagnosis::{Diagnosis, diagnose};
use super::show_last_lines;
use super::stamp::{Stamp, StampError};
use crate::child::{self, ChildError, Outcome};
use crate::lock::{self, LockError};
use crate::project::Project;
use crate::report;

/// The oldest Node whose npm installs our packages; wrangler itself runs under the Node among them.
const NODE_MAJOR_MIN: u32 = 20;

/// What the project runs of the packages. Some are put in place by install scripts, which npm may have
/// been told not to run.
const PROGRAMS: [&str; 5] = ["node", "wrangler", "workerd", "wasm-opt", "esbuild"];

/// What the lock file has, nothing else. Downloads are tried again after one second and after five: with
/// npm's own defaults, a machine without a network would be silent for a minute.
const INSTALL: [&str; 6] = [
    "ci",
    "--no-audit",
    "--no-fund",
    "--loglevel=error",
    "--fetch-retry-mintimeout=1000",
    "--fetch-retry-maxtimeout=5000",
];

/// Why the packages are not there.
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
    Stamp(#[from] StampError),
    #[error(transparent)]
    Lock(#[from] LockError),
    #[error(transparent)]
    Child(#[from] ChildError),
}

/// Installs the packages where they are missing or not those of the lock file.
///
/// # Errors
///
/// [`NpmError`] where they cannot be installed.
pub(crate) fn ensure(project: &Project) -> Result<(), NpmError> {
    let stamp = Stamp {
        list: project.root.join("package-lock.json"),
        copy: project.root.join("node_modules").join(".installed-package-lock.json"),
    };
    if stamp.is_current()? {
        return Ok(());
    }
    let _lock = lock::hold(&project.locks(), "setup")?;
    // Whoever held the lock may have done it.
    if stamp.is_current()? {
        return Ok(());
    }
    check_node(project)?;
    stamp.clear()?;
    report::say("setup", "installing the npm packages");
    let outcome = run(project, "npm", &INSTALL)?;
    if !outcome.status.success() {
        show_last_lines(&outcome);
        return Err(NpmError::Install { diagnosis: diagnose(&outcome.last_lines) });
    }
    if let Some(program) = PROGRAMS.into_iter().find(|name| !project.npm_program(name).exists()) {
        return Err(NpmError::LeftOut { program });
    }
    stamp.set()?;
    report::say("setup", "npm packages installed");
    Ok(())
}

fn check_node(project: &Project) -> Result<(), NpmError> {
    let answer = run(project, "node", &["--version"])?;
    let found = answer.last_lines.concat();
    match major(&found) {
        Some(major) if major >= NODE_MAJOR_MIN => Ok(()),
        _ => Err(NpmError::TooOld { found }),
    }
}

/// The first number of `v22.23.3`.
fn major(version: &str) -> Option<u32> {
    version.trim().strip_prefix('v')?.split('.').next()?.parse().ok()
}

fn run(project: &Project, program: &'static str, args: &[&str]) -> Result<Outcome, NpmError> {
    // The machine's own: npm must not run under the Node that it is about to replace.
    let mut command = project.machine_command(program);
    command.args(args);
    match child::run_out_of_sight(command) {
        Err(ChildError::Start { source, .. }) if source.kind() == ErrorKind::NotFound => {
            Err(NpmError::Missing { program })
        }
        outcome => Ok(outcome?),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_major_version_of_node_is_read() {
        assert_eq!(major("v22.23.3\n"), Some(22));
        assert_eq!(major("v9.0.0-rc.1"), Some(9));
        assert_eq!(major("22.0.0"), None);
        assert_eq!(major("command not found"), None);
        assert_eq!(major(""), None);
    }
}
