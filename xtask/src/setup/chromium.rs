//! Chromium, for the tests that call the service from web pages: the package of Debian.

use super::SetupError;
use crate::child::Output;
use crate::lock;
use crate::project::Project;
use crate::report;

/// The programs that count as Chromium.
const PROGRAMS: [&str; 3] = ["chromium", "chromium-browser", "google-chrome"];

/// What is installed, in error messages.
const CHROMIUM: &str = "Chromium (elsewhere than on Debian as root, install it yourself)";

/// Installs it if the machine has none.
pub(crate) fn ensure(project: &Project) -> Result<(), SetupError> {
    if is_there(project) {
        return Ok(());
    }
    let _lock = lock::hold(&project.tools, "setup")?;
    // Another process may have installed it while this one waited for the lock.
    if is_there(project) {
        return Ok(());
    }
    report::say("setup", "installing the Debian package chromium, which the tests drive");
    super::check(CHROMIUM, &apt_get(project, &["update", "--quiet"])?)?;
    let install = ["install", "--quiet", "--yes", "--no-install-recommends", "chromium"];
    super::check(CHROMIUM, &apt_get(project, &install)?)?;
    report::say("setup", "chromium installed");
    Ok(())
}

fn is_there(project: &Project) -> bool {
    PROGRAMS.into_iter().any(|name| project.find_on_path(name).is_some())
}

fn apt_get(project: &Project, args: &[&str]) -> Result<Output, SetupError> {
    let mut command = project.machine_command("apt-get");
    command.args(args).env("DEBIAN_FRONTEND", "noninteractive");
    super::capture(CHROMIUM, "Debian's apt", "apt-get", command)
}
