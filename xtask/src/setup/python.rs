//! cfn-lint, a Python program, in a virtual environment of the project.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use thiserror::Error;

use super::diagnosis::{Diagnosis, diagnose};
use super::install_record::{InstallRecord, RecordError};
use crate::child::{self, ChildError, Output};
use crate::lock::{self, LockError};
use crate::project::Project;
use crate::report;

/// The oldest Python that the pinned packages support.
const PYTHON_MIN: (u32, u32) = (3, 11);

/// Prints the version, and fails where no virtual environment with pip can be made.
const CHECK: &str = "import sys; print('%d.%d' % sys.version_info[:2]); import venv, ensurepip";

/// Why cfn-lint is missing.
#[derive(Debug, Error)]
pub(crate) enum PythonError {
    #[error("failed to install cfn-lint: `python3` is not on PATH; install Python 3.11 or newer")]
    Missing,
    #[error("failed to install cfn-lint: Python 3.11 or newer is needed and `python3` is {found}")]
    TooOld { found: String },
    #[error(
        "failed to install cfn-lint: `python3` has no venv module; install it (on Debian it is the package \
         python3-venv)"
    )]
    NoVenv,
    #[error("failed to install cfn-lint: {diagnosis}")]
    Install { diagnosis: Diagnosis },
    #[error("failed to remove {}: {source}", path.display())]
    Remove { path: PathBuf, source: io::Error },
    #[error(transparent)]
    Record(#[from] RecordError),
    #[error(transparent)]
    Lock(#[from] LockError),
    #[error(transparent)]
    Child(#[from] ChildError),
}

/// Makes the environment if it is missing or differs from the list. Returns the path of cfn-lint.
///
/// # Errors
///
/// [`PythonError`] if it cannot be made.
pub(crate) fn ensure(project: &Project) -> Result<PathBuf, PythonError> {
    let environment = project.root.join(".venv");
    let linter = environment.join("bin").join("cfn-lint");
    let record = InstallRecord {
        list: project.root.join("xtask").join("requirements.txt"),
        copy: environment.join("installed-requirements.txt"),
    };
    if record.is_current()? {
        return Ok(linter);
    }
    let _lock = lock::hold(&project.locks(), "setup")?;
    if !record.is_current()? {
        install(project, &environment, &record)?;
    }
    Ok(linter)
}

fn install(project: &Project, environment: &Path, record: &InstallRecord) -> Result<(), PythonError> {
    check_python(project)?;
    report::say("setup", "installing cfn-lint");
    record.clear()?;
    match fs::remove_dir_all(environment) {
        Err(source) if source.kind() != ErrorKind::NotFound => {
            return Err(PythonError::Remove { path: environment.to_path_buf(), source });
        }
        _ => {}
    }
    check_status(&run(project, Path::new("python3"), &["-m", "venv", ".venv"])?)?;
    let list = record.list.to_string_lossy();
    let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement", &list];
    check_status(&run(project, &environment.join("bin").join("python"), &pip)?)?;
    record.set()?;
    report::say("setup", "cfn-lint installed");
    Ok(())
}

fn check_python(project: &Project) -> Result<(), PythonError> {
    let output = run(project, Path::new("python3"), &["-c", CHECK])?;
    let found = output.last_lines.first().cloned().unwrap_or_default();
    match version(&found) {
        Some(version) if version >= PYTHON_MIN => {}
        _ => return Err(PythonError::TooOld { found }),
    }
    if output.status.success() { Ok(()) } else { Err(PythonError::NoVenv) }
}

/// Major and minor of `3.11`.
fn version(text: &str) -> Option<(u32, u32)> {
    let (major, minor) = text.trim().split_once('.')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

fn run(project: &Project, python: &Path, args: &[&str]) -> Result<Output, PythonError> {
    let mut command = project.machine_command(python);
    command.args(args);
    match child::capture(command) {
        Err(error) if error.is_not_found() => Err(PythonError::Missing),
        output => Ok(output?),
    }
}

fn check_status(output: &Output) -> Result<(), PythonError> {
    if output.status.success() {
        return Ok(());
    }
    output.show();
    Err(PythonError::Install { diagnosis: diagnose(&output.last_lines) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_compare_by_number_not_by_text() {
        assert_eq!(version("3.11"), Some((3, 11)));
        assert!(version("3.9").unwrap() < PYTHON_MIN);
        assert!(version("3.14\n").unwrap() >= PYTHON_MIN);
        assert_eq!(version("Python 3"), None);
        assert_eq!(version(""), None);
    }
}
