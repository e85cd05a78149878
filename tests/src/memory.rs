//! The resident memory of processes.

use std::error::Error;

use sysinfo::{Pid, ProcessRefreshKind, ProcessesToUpdate, System, get_current_pid};
use tokio::process::Child;

/// A process whose memory is watched.
pub struct Watched {
    /// What it is.
    pub name: &'static str,
    pid: Pid,
    /// Readings in bytes.
    pub readings: Vec<u64>,
}

impl Watched {
    /// This process.
    pub fn this(name: &'static str) -> Result<Watched, Box<dyn Error>> {
        Ok(Watched::of(name, get_current_pid()?))
    }

    /// A child.
    pub fn child(name: &'static str, child: &Child) -> Result<Watched, Box<dyn Error>> {
        let id = child.id().ok_or_else(|| format!("the {name} has ended"))?;
        Ok(Watched::of(name, Pid::from_u32(id)))
    }

    /// The largest descendant of the process `ancestor` that runs `program`.
    pub fn below(name: &'static str, program: &str, ancestor: u32) -> Result<Watched, Box<dyn Error>> {
        let (ancestor, system) = (Pid::from_u32(ancestor), system(ProcessesToUpdate::All)?);
        let parent = |pid: &Pid| system.process(*pid).and_then(|process| process.parent());
        let is_ours = |pid: Pid| std::iter::successors(Some(pid), parent).any(|pid| pid == ancestor);
        let found = system.processes().values().filter(|process| process.name() == program);
        let found = found.filter(|process| is_ours(process.pid())).max_by_key(|process| process.memory());
        let found = found.ok_or_else(|| format!("there is no process {program}"))?;
        Ok(Watched::of(name, found.pid()))
    }

    fn of(name: &'static str, pid: Pid) -> Watched {
        Watched { name, pid, readings: Vec::new() }
    }

    /// Reads its memory.
    pub fn read(&mut self) -> Result<(), Box<dyn Error>> {
        let system = system(ProcessesToUpdate::Some(&[self.pid]))?;
        let process = system.process(self.pid).ok_or_else(|| format!("the {} has ended", self.name))?;
        self.readings.push(process.memory());
        Ok(())
    }

    /// The peaks of the first and the second half of the readings.
    pub fn peaks(&self) -> [u64; 2] {
        let (first, second) = self.readings.split_at(self.readings.len() / 2);
        [first, second].map(|half| half.iter().copied().max().unwrap_or_default())
    }
}

fn system(processes: ProcessesToUpdate<'_>) -> Result<System, sysinfo::Error> {
    let mut system = System::new()?;
    system.refresh_processes_specifics(
        processes,
        true,
        ProcessRefreshKind::nothing().with_memory().without_tasks(),
    );
    Ok(system)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_memory_of_this_process_is_read() {
        let mut this = Watched::this("test").unwrap();
        this.read().unwrap();
        // More than a megabyte and less than a terabyte: the unit is bytes.
        assert!((1 << 20..1 << 40).contains(&this.readings[0]), "{:?}", this.readings);
        assert!(Watched::below("none", "no-such-program", std::process::id()).is_err());
    }

    #[test]
    fn the_peaks_of_both_halves_are_compared() {
        let mut watched = Watched::this("test").unwrap();
        watched.readings = vec![5, 9, 7, 8, 6, 12];
        assert_eq!(watched.peaks(), [9, 12]);
    }
}
