//! The numbers of a device's batches that the server holds.

use std::collections::BTreeSet;

const DAY_MICROS: u64 = 24 * 3600 * 1_000_000;
/// Runs of numbers that the server remembers.
const RUNS_MAX: usize = 16;
/// Microseconds between two marks, and their number.
const MARK_MICROS: u64 = 10 * DAY_MICROS;
const MARKS_MAX: usize = 12;

/// What the server holds of a device's numbered batches.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Numbers {
    /// Numbers without holes, the run that changed last first.
    pub runs: Vec<BTreeSet<u64>>,
    /// No number that was held at a time was greater.
    marks: Vec<(u64, u64)>,
    /// Whether a number stands for two batches.
    pub(crate) reused: bool,
}

/// What a number says of a batch that left no marker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Says {
    Nothing,
    /// Another batch has the number: the marker of this one could not be gone yet.
    IsAnother,
    MayBeApplied,
}

impl Numbers {
    /// What `number` says while batches since `since` still have their markers.
    pub(crate) fn say(&self, number: u64, since: u64) -> Says {
        if self.reused || !self.runs.iter().any(|run| run.contains(&number)) {
            return Says::Nothing;
        }
        let is_young = self.marks.iter().any(|&(greatest, at)| at >= since && number > greatest);
        if is_young { Says::IsAnother } else { Says::MayBeApplied }
    }

    /// Notes the commit of batch `number`.
    pub(crate) fn note(&mut self, number: u64, since: u64, now: u64) {
        match self.say(number, since) {
            Says::MayBeApplied => {}
            Says::IsAnother => self.reused = true,
            Says::Nothing if self.reused => {}
            Says::Nothing => self.add(number, now),
        }
    }

    fn add(&mut self, number: u64, now: u64) {
        if self.marks.last().is_none_or(|(_, at)| now >= at + MARK_MICROS) {
            let held = self.runs.iter().flatten().copied();
            let greatest = held.chain(self.marks.last().map(|(greatest, _)| *greatest)).max();
            self.marks.push((greatest.unwrap_or(0), now));
            let surplus = self.marks.len().saturating_sub(MARKS_MAX);
            self.marks.drain(..surplus);
        }
        let neighbours = [number.checked_sub(1), number.checked_add(1)];
        let touches = |run: &BTreeSet<u64>| neighbours.iter().flatten().any(|next| run.contains(next));
        let mut run = BTreeSet::from([number]);
        self.runs.iter().filter(|known| touches(known)).for_each(|known| run.extend(known));
        self.runs.retain(|known| !touches(known));
        self.runs.insert(0, run);
        self.runs.truncate(RUNS_MAX);
    }
}
