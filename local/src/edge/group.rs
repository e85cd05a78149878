//! The process group of wrangler: it starts several processes, and some survive when one dies.
//!
//! tokio's `Child` knows only the first process; rustix has the system calls for the others.

use rustix::process::{Pid, Signal, WaitOptions, kill_process_group, waitpgid};
use tokio::process::Child;

/// A process group.
#[derive(Debug, Clone, Copy)]
pub(super) struct Group(Pid);

/// Makes this process the parent of orphaned descendants, so that it can wait for them. Only Linux has that;
/// elsewhere init adopts them.
#[cfg(target_os = "linux")]
pub(super) fn adopt_orphans() {
    // Fails only on kernels that lack it; init adopts the orphans there.
    let _ = rustix::process::set_child_subreaper(Some(rustix::process::getpid()));
}

#[cfg(not(target_os = "linux"))]
pub(super) fn adopt_orphans() {}

impl Group {
    pub(super) fn of(child: &Child) -> Option<Group> {
        Pid::from_raw(i32::try_from(child.id()?).ok()?).map(Group)
    }

    pub(super) fn terminate(self) {
        // An error means that all processes have ended already.
        let _ = kill_process_group(self.0, Signal::TERM);
    }

    pub(super) fn kill(self) {
        let _ = kill_process_group(self.0, Signal::KILL);
    }

    /// Whether children of this process, adopted ones included, are alive in the group. Reaps those that
    /// ended.
    pub(super) fn has_members(self) -> bool {
        loop {
            match waitpgid(self.0, WaitOptions::NOHANG) {
                // One was reaped; there may be more.
                Ok(Some(_)) => {}
                Ok(None) => return true,
                Err(_) => return false,
            }
        }
    }
}
