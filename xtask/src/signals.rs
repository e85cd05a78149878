//! A signal to us ends what we run, with all its descendants, and then us.
//!
//! Each program runs in a process group of its own. Programs that leave their group (end to end tests do
//! that to stop their servers in one go) are found by their parents, see [`family`].

use std::io;
use std::os::unix::process::CommandExt;
use std::process::{self, Child, Command};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use thiserror::Error;

mod family;

/// How long programs may take to stop by themselves.
const GRACE: Duration = Duration::from_secs(2);
/// How long the kernel may take to end them once they were killed.
const KILL_PATIENCE: Duration = Duration::from_secs(2);
const POLL: Duration = Duration::from_millis(20);

/// The process group that runs now. Held while one is started, so that none starts behind the back of the
/// thread that ends them, and by that thread for ever, so that none starts afterwards.
static RUNNING: Mutex<Option<Pid>> = Mutex::new(None);

/// Why we could not prepare for signals.
#[derive(Debug, Error)]
#[error("failed to watch for signals: {source}")]
pub(crate) struct SignalsError {
    #[from]
    source: io::Error,
}

/// From here on SIGINT, SIGTERM and SIGHUP end everything we run, and us with 128 plus the signal.
///
/// # Errors
///
/// [`SignalsError`] where the system refuses.
pub(crate) fn install() -> Result<(), SignalsError> {
    family::adopt(true);
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP])?;
    thread::Builder::new().name("signals".into()).spawn(move || {
        if let Some(signal) = signals.forever().next() {
            let running = running();
            end(*running, rustix::process::getpid());
            process::exit(128_i32.saturating_add(signal));
        }
    })?;
    Ok(())
}

/// Starts a program in a process group of its own.
///
/// # Errors
///
/// The system's, where it cannot be started.
pub(crate) fn spawn(command: &mut Command) -> io::Result<Child> {
    let mut running = running();
    let child = command.process_group(0).spawn()?;
    *running = Some(Pid::from_child(&child));
    Ok(child)
}

/// The program that was started has ended.
pub(crate) fn forget() {
    *running() = None;
}

/// Before this process becomes another program, which looks after its own children. The handlers need no
/// undoing: the system resets them, and nothing is masked.
pub(crate) fn release() {
    family::adopt(false);
}

fn running() -> MutexGuard<'static, Option<Pid>> {
    RUNNING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Ends the group and all other descendants of `ancestor`: politely, then by force.
fn end(group: Option<Pid>, ancestor: Pid) {
    tell(group, ancestor, Signal::TERM);
    let mut started = Instant::now();
    while anyone_left(group, ancestor) && started.elapsed() < GRACE {
        thread::sleep(POLL);
    }
    started = Instant::now();
    // Again and again, because what is being killed may still have started something.
    while anyone_left(group, ancestor) && started.elapsed() < KILL_PATIENCE {
        tell(group, ancestor, Signal::KILL);
        thread::sleep(POLL);
    }
}

fn tell(group: Option<Pid>, ancestor: Pid, signal: Signal) {
    let strays = family::descendants(ancestor);
    // Who is gone already cannot be told; that is what we want.
    if let Some(group) = group {
        let _ = rustix::process::kill_process_group(group, signal);
    }
    // Once each: to some programs a second signal means "at once, never mind the cleaning up".
    for stray in strays.iter().filter(|stray| Some(stray.group) != group) {
        let _ = rustix::process::kill_process(stray.pid, signal);
    }
}

fn anyone_left(group: Option<Pid>, ancestor: Pid) -> bool {
    if family::CAN_BE_LISTED {
        return !family::descendants(ancestor).is_empty();
    }
    group.is_some_and(|group| rustix::process::test_kill_process_group(group).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn descendants_end_even_where_they_ignore_the_signal_or_have_left_the_group() {
        // The inner shells outlive a polite signal; `set -m` gives the second one a group of its own.
        let stubborn = "trap '' TERM; while :; do sleep 0.1; done";
        let script = format!("trap '' TERM; ({stubborn}) & set -m; ({stubborn}) & wait; sleep 60");
        let mut child = Command::new("bash").args(["-c", &script]).process_group(0).spawn().unwrap();
        let group = Pid::from_child(&child);
        let has_strayed = || family::descendants(group).iter().any(|relative| relative.group != group);
        while family::CAN_BE_LISTED && !has_strayed() {
            thread::sleep(POLL);
        }
        let started = Instant::now();
        let reaper = thread::spawn(move || child.wait());
        end(Some(group), group);
        // The shell itself is no descendant of itself: its group's end is its end.
        let status = reaper.join().unwrap().unwrap();
        assert!(!status.success());
        assert!(started.elapsed() < Duration::from_secs(5));
        assert!(family::descendants(group).is_empty());
    }
}
