//! All processes of the edge: wrangler is several, and one of them dying leaves the others behind.

use rustix::process::{Pid, Signal, WaitOptions, kill_process_group, waitpgid};
use tokio::process::Child;

/// A process group.
#[derive(Debug, Clone, Copy)]
pub(super) struct Group(Pid);

/// From here on descendants whose parent has died become our children, so that we can wait for them.
/// Linux alone can do that; elsewhere init takes them.
#[cfg(target_os = "linux")]
pub(super) fn adopt_orphans() {
    // Refused only by kernels too old to know it; then init takes them, too.
    let _ = rustix::process::set_child_subreaper(Some(rustix::process::getpid()));
}

#[cfg(not(target_os = "linux"))]
pub(super) fn adopt_orphans() {}

impl Group {
    /// The group that `child` leads.
    pub(super) fn of(child: &Child) -> Option<Group> {
        Pid::from_raw(i32::try_from(child.id()?).ok()?).map(Group)
    }

    /// Asks all of it to end.
    pub(super) fn terminate(self) {
        // Who has ended already cannot be told; that is what we want.
        let _ = kill_process_group(self.0, Signal::TERM);
    }

    /// Ends all of it.
    pub(super) fn kill(self) {
        let _ = kill_process_group(self.0, Signal::KILL);
    }

    /// Whether any of our children, adopted ones included, belongs to it. Buries those that have ended.
    pub(super) fn has_members(self) -> bool {
        loop {
            match waitpgid(self.0, WaitOptions::NOHANG) {
                // One has ended; there may be more.
                Ok(Some(_)) => {}
                Ok(None) => return true,
                Err(_) => return false,
            }
        }
    }
}
