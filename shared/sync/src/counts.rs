//! Counts that the commits of a room keep beside its HEAD: open dead letters, and conflicts.

use crate::decide::commit::{CommitPlan, Decided};
use crate::outcome::Outcome;

/// The counts of a room.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RoomCounts {
    /// Open dead letters.
    pub dead_letters: u64,
    /// Records of committed batches that were answered with a conflict, ever.
    pub conflicts: u64,
}

/// What a commit changes in the counts of its room.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CountsChange {
    /// New dead letters.
    pub opened: u64,
    /// Dead letters that are replayed or discarded.
    pub closed: u64,
    /// Records that are answered with a conflict.
    pub conflicts: u64,
}

impl CountsChange {
    /// That many dead letters are replayed or discarded.
    pub fn closed(letters: usize) -> CountsChange {
        CountsChange { closed: letters as u64, ..CountsChange::default() }
    }

    /// What `commit` changes.
    pub fn of(commit: &CommitPlan<'_>) -> CountsChange {
        let sum = |count: fn(&Decided<'_>) -> usize| commit.decided.iter().map(count).sum::<usize>() as u64;
        CountsChange {
            opened: sum(|decided| decided.plan.dead.len()),
            closed: commit.closes.iter().map(|open| open.letters.len()).sum::<usize>() as u64,
            conflicts: sum(conflicts),
        }
    }

    /// Whether a commit changes anything.
    pub fn is_none(self) -> bool {
        self == CountsChange::default()
    }
}

impl RoomCounts {
    /// The counts after `change`. They never fall below 0: a release that did not count may have left dead
    /// letters.
    pub fn after(self, change: CountsChange) -> RoomCounts {
        let opened = self.dead_letters.saturating_add(change.opened);
        RoomCounts {
            dead_letters: opened.saturating_sub(change.closed),
            conflicts: self.conflicts.saturating_add(change.conflicts),
        }
    }
}

/// Conflicts count once per committed batch. A batch that writes nothing, and leaves no marker, has no
/// commit: it is decided again each time it is sent.
fn conflicts(Decided { push, plan }: &Decided<'_>) -> usize {
    let is_undone = push.atomic && !plan.outcomes.iter().all(Outcome::is_applied);
    let is_stored = push.batch.is_some() || !plan.changes.is_empty() || !plan.dead.is_empty();
    if is_undone || !is_stored {
        return 0;
    }
    plan.outcomes.iter().filter(|outcome| outcome.is_conflict()).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_add_up_and_never_fall_below_zero() {
        let counts = RoomCounts { dead_letters: 1, conflicts: 2 };
        let change = CountsChange { opened: 3, closed: 0, conflicts: 4 };
        assert_eq!(counts.after(change), RoomCounts { dead_letters: 4, conflicts: 6 });
        assert_eq!(counts.after(CountsChange::closed(1)).dead_letters, 0);
        assert_eq!(RoomCounts::default().after(CountsChange::closed(1)), RoomCounts::default());
        assert!(CountsChange::default().is_none() && !CountsChange::closed(1).is_none());
    }
}
