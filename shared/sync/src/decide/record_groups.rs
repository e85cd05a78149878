//! Groups of records inside a batch: all records of a group are applied, or none of them.

use std::collections::BTreeSet;

use super::Batch;
use super::forgotten::AppliedBefore;
use crate::outcome::Outcome;
use crate::push::{Incoming, Push};
use crate::snapshot::Snapshot;
use protocol::ids::GroupId;
use protocol::wire::outcome::{Rejection, RejectionCode};

impl Batch<'_> {
    /// Decides every record in order, and undoes each group with a record that is not applied: the batch is
    /// decided again as if the group had not been sent, since later records may have seen its effects.
    ///
    /// Groups are undone one at a time, the one that begins first at first: a later one may have failed only
    /// because of it.
    pub(super) fn outcomes(&mut self) -> Vec<Outcome> {
        let push = self.push;
        let mut undone: Vec<Option<Outcome>> = vec![None; push.records.len()];
        if self.applied_before == AppliedBefore::Committed {
            return self.decide_all_but(&undone).into_iter().flatten().collect();
        }
        loop {
            let decided = self.decide_all_but(&undone);
            let Some(group) = first_failed_group(push, &decided) else {
                return undone
                    .into_iter()
                    .zip(decided)
                    .filter_map(|(undone, decided)| undone.or(decided))
                    .collect();
            };
            let places = push.records.iter().zip(decided).zip(&mut undone);
            for ((_, outcome), place) in
                places.filter(|((incoming, _), _)| incoming.group.as_ref() == Some(group))
            {
                *place = outcome.map(Outcome::undone_with_group);
            }
        }
    }

    /// The outcome of every record except those of `undone` groups.
    fn decide_all_but(&mut self, undone: &[Option<Outcome>]) -> Vec<Option<Outcome>> {
        let push = self.push;
        self.steps.clear();
        self.changes.clear();
        let outcome = |(incoming, undone): (&Incoming, &Option<Outcome>)| match undone {
            Some(_) => None,
            None => Some(self.outcome(incoming)),
        };
        push.records.iter().zip(undone).map(outcome).collect()
    }
}

/// The first group with a record that was decided and is not applied. An atomic batch is undone as a whole
/// anyway.
fn first_failed_group<'a>(push: &'a Push, decided: &[Option<Outcome>]) -> Option<&'a GroupId> {
    let groups = || push.records.iter().map(|incoming| incoming.group.as_ref());
    let is_failed = |outcome: &Option<Outcome>| outcome.as_ref().is_some_and(|outcome| !outcome.is_applied());
    let failed: BTreeSet<&GroupId> = groups()
        .zip(decided)
        .filter(|(_, outcome)| is_failed(outcome))
        .filter_map(|(group, _)| group)
        .collect();
    groups().flatten().find(|group| failed.contains(group) && !push.atomic)
}

/// The outcomes of an atomic batch that is not applied: conflicts show the stored records, without the
/// effects of the batch.
pub(super) fn undone(outcomes: Vec<Outcome>, push: &Push, snapshot: &Snapshot) -> Vec<Outcome> {
    let as_read = |(outcome, incoming): (Outcome, &Incoming)| match (outcome, &incoming.write) {
        (Outcome::Conflict { reason, .. } | Outcome::Merged { reason, .. }, Ok(write)) => {
            Outcome::Conflict { reason, server: snapshot.records.get(&write.key).cloned() }
        }
        (other, _) => other,
    };
    outcomes.into_iter().zip(&push.records).map(as_read).collect()
}

impl Outcome {
    /// The outcome of a record whose group is undone: each becomes a dead letter, so that the group can be
    /// replayed as a whole.
    fn undone_with_group(self) -> Outcome {
        Outcome::Rejected(match self {
            Outcome::Rejected(rejection) => rejection,
            Outcome::Conflict { reason, .. } | Outcome::Merged { reason, .. } => {
                let reason = reason.as_str();
                let message =
                    format!("The record is in conflict ({reason}), so nothing of its group is applied.");
                RejectionCode::GroupConflict.with_message(message)
            }
            Outcome::Applied { .. } | Outcome::AlreadyApplied { .. } => group_undone(),
        })
    }
}

/// The rejection of a record that is undone because of another one.
pub(crate) fn group_undone() -> Rejection {
    let message = "Another record of the same group was not applied, so nothing of the group is.";
    RejectionCode::GroupUndone.with_message(message)
}
