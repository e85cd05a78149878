//! cfn-lint, a Python program, in a virtual environment of the project.

use std::path::{Path, PathBuf};

use super::SetupError;
use super::install_record::InstallRecord;
use crate::child::Output;
use crate::file;
use crate::lock;
use crate::project::Project;
use crate::report;

/// What is installed, in error messages.
const CFN_LINT: &str = "cfn-lint";

/// The oldest Python that the pinned packages support.
const PYTHON_MIN: (u32, u32) = (3, 11);

/// Installs files whose hashes are in the list. No package is built, which would run its code.
const INSTALL: [&str; 8] = [
    "-m",
    "pip",
    "install",
    "--quiet",
    "--disable-pip-version-check",
    "--require-hashes",
    "--only-binary=:all:",
    "--no-deps",
];

/// Prints the version, and fails where no virtual environment with pip can be made.
const CHECK: &str = "import sys; print('%d.%d' % sys.version_info[:2]); import venv, ensurepip";

/// Makes the environment if it is missing or differs from the list. Returns the path of cfn-lint.
pub(crate) fn ensure(project: &Project) -> Result<PathBuf, SetupError> {
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

fn install(project: &Project, environment: &Path, record: &InstallRecord) -> Result<(), SetupError> {
    check_python(project, CFN_LINT)?;
    report::say("setup", "installing cfn-lint");
    record.clear()?;
    file::remove(environment)?;
    let venv = run(project, CFN_LINT, Path::new("python3"), &["-m", "venv", ".venv"])?;
    super::check(CFN_LINT, &venv)?;
    let list = record.list.to_string_lossy();
    let pip = INSTALL.into_iter().chain(["--requirement", &list]).collect::<Vec<_>>();
    let python = environment.join("bin").join("python");
    super::check(CFN_LINT, &run(project, CFN_LINT, &python, &pip)?)?;
    record.set()?;
    report::say("setup", "cfn-lint installed");
    Ok(())
}

/// Checks the machine's Python, which is to install `what`.
pub(super) fn check_python(project: &Project, what: &'static str) -> Result<(), SetupError> {
    let output = run(project, what, Path::new("python3"), &["-c", CHECK])?;
    let found = output.last_lines.first().cloned().unwrap_or_default();
    match version(&found) {
        Some(version) if version >= PYTHON_MIN => {}
        _ => return Err(SetupError::PythonTooOld { what, found }),
    }
    if output.status.success() { Ok(()) } else { Err(SetupError::NoVenv { what }) }
}

/// Major and minor of `3.11`.
fn version(text: &str) -> Option<(u32, u32)> {
    let (major, minor) = text.trim().split_once('.')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

pub(super) fn run(
    project: &Project,
    what: &'static str,
    python: &Path,
    args: &[&str],
) -> Result<Output, SetupError> {
    let mut command = project.machine_command(python);
    command.args(args);
    super::capture(what, "Python 3.11", "python3", command)
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
