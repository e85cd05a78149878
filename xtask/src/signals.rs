//! SIGINT, SIGTERM and SIGHUP end the programs we run with all their descendants, then this process.
//!
//! Each program runs in a process group of its own. Descendants that leave the group (the end to end tests
//! start servers in groups of their own) are found through their parents, see [`process_tree`].

use std::io;
use std::os::unix::process::CommandExt;
use std::process::{self, Child, Command, ExitStatus};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use thiserror::Error;

mod process_tree;

/// How long programs may take to stop after SIGTERM.
const GRACE: Duration = Duration::from_secs(2);
/// How long the kernel may take to end them after SIGKILL.
const KILL_TIMEOUT: Duration = Duration::from_secs(2);
const POLL: Duration = Duration::from_millis(20);

/// The process groups that run now. [`spawn`] holds the lock while it starts a program, and the signal thread
/// never releases it, so that no program starts after a signal.
static GROUPS: Mutex<Vec<Pid>> = Mutex::new(Vec::new());

#[derive(Debug, Error)]
#[error("failed to watch for signals: {source}")]
pub(crate) struct SignalsError {
    #[from]
    source: io::Error,
}

/// A running program that a signal to us ends.
#[derive(Debug)]
pub(crate) struct Running {
    child: Child,
    group: Pid,
}

impl Running {
    pub(crate) fn wait(&mut self) -> io::Result<ExitStatus> {
        self.child.wait()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        groups().retain(|group| *group != self.group);
    }
}

/// Starts to watch: a signal ends everything we run, then this process with status 128 plus the signal.
pub(crate) fn install() -> Result<(), SignalsError> {
    process_tree::set_subreaper(true);
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP])?;
    thread::Builder::new().name("signals".into()).spawn(move || {
        if let Some(signal) = signals.forever().next() {
            let groups = groups();
            end(&groups, rustix::process::getpid());
            process::exit(128_i32.saturating_add(signal));
        }
    })?;
    Ok(())
}

/// Starts a program in a process group of its own.
pub(crate) fn spawn(command: &mut Command) -> io::Result<Running> {
    let mut groups = groups();
    let child = command.process_group(0).spawn()?;
    let group = Pid::from_child(&child);
    groups.push(group);
    Ok(Running { child, group })
}

/// Undoes [`install`] before this process becomes another program. `exec` resets the signal handlers itself.
pub(crate) fn release() {
    process_tree::set_subreaper(false);
}

fn groups() -> MutexGuard<'static, Vec<Pid>> {
    GROUPS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Ends the groups and all other descendants of `ancestor`: with SIGTERM, after [`GRACE`] with SIGKILL.
fn end(groups: &[Pid], ancestor: Pid) {
    send(groups, ancestor, Signal::TERM);
    let mut started = Instant::now();
    while any_left(groups, ancestor) && started.elapsed() < GRACE {
        thread::sleep(POLL);
    }
    started = Instant::now();
    // Repeated, because a program may start another one just before it dies.
    while any_left(groups, ancestor) && started.elapsed() < KILL_TIMEOUT {
        send(groups, ancestor, Signal::KILL);
        thread::sleep(POLL);
    }
}

/// Sends the signal once to each process: some programs take a second signal as "skip the clean-up".
fn send(groups: &[Pid], ancestor: Pid, signal: Signal) {
    let descendants = process_tree::descendants(ancestor);
    // Errors mean that the process has ended already.
    for group in groups {
        let _ = rustix::process::kill_process_group(*group, signal);
    }
    for process in descendants.iter().filter(|process| !groups.contains(&process.group)) {
        let _ = rustix::process::kill_process(process.pid, signal);
    }
}

fn any_left(groups: &[Pid], ancestor: Pid) -> bool {
    if process_tree::CAN_LIST {
        return !process_tree::descendants(ancestor).is_empty();
    }
    groups.iter().any(|group| rustix::process::test_kill_process_group(*group).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn descendants_that_ignore_sigterm_or_left_the_group_end_too() {
        // The inner shells ignore SIGTERM; `set -m` gives the second one a group of its own.
        let stubborn = "trap '' TERM; while :; do sleep 0.1; done";
        let script = format!("trap '' TERM; ({stubborn}) & set -m; ({stubborn}) & wait; sleep 60");
        let mut child = Command::new("bash").args(["-c", &script]).process_group(0).spawn().unwrap();
        let group = Pid::from_child(&child);
        let has_left = || process_tree::descendants(group).iter().any(|process| process.group != group);
        while process_tree::CAN_LIST && !has_left() {
            thread::sleep(POLL);
        }
        let started = Instant::now();
        let reaper = thread::spawn(move || child.wait());
        end(&[group], group);
        // The shell is not its own descendant, but SIGKILL to the group ends it too.
        let status = reaper.join().unwrap().unwrap();
        assert!(!status.success());
        assert!(started.elapsed() < Duration::from_secs(5));
        assert!(process_tree::descendants(group).is_empty());
    }

    #[test]
    fn a_group_is_watched_until_its_program_is_dropped() {
        let mut first = spawn(&mut Command::new("true")).unwrap();
        let mut second = spawn(&mut Command::new("true")).unwrap();
        let (first_group, second_group) = (first.group, second.group);
        assert!(groups().contains(&first_group) && groups().contains(&second_group));
        first.wait().unwrap();
        drop(first);
        assert!(!groups().contains(&first_group) && groups().contains(&second_group));
        second.wait().unwrap();
    }
}
