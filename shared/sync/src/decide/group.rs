//! Decides several pushes of a room for one commit: each on what the ones before it leave, as if they had
//! been committed one after the other.

use std::collections::BTreeSet;

use super::commit::{CommitPlan, Decided, fits};
use super::{Plan, decide};
use crate::push::Push;
use crate::rules::SyncRules;
use crate::snapshot::Snapshot;
use protocol::ids::{DeviceId, Room};
use protocol::timestamp::Timestamp;

/// Pushes of one room that are decided for one commit.
#[derive(Debug)]
pub struct Group<'a> {
    rules: &'a SyncRules,
    now: Timestamp,
    /// The room after the pushes that were added so far.
    state: Snapshot,
    devices: BTreeSet<&'a DeviceId>,
    decided: Vec<(&'a Push, Plan)>,
}

impl<'a> Group<'a> {
    /// No pushes yet, at `now`. `read` has the records of all pushes that will be added.
    pub fn new(rules: &'a SyncRules, read: Snapshot, now: Timestamp) -> Group<'a> {
        Group { rules, now, state: read, devices: BTreeSet::new(), decided: Vec::new() }
    }

    /// Decides `push`, whose batch has no marker. Returns false and leaves it out if the group would no
    /// longer fit a transaction, or has a push of the same device, which may be the same batch.
    pub fn add(&mut self, push: &'a Push) -> bool {
        if self.devices.contains(&push.device) {
            return false;
        }
        let plan = decide(self.rules, &self.state, push, self.now);
        let mut decided = self.decided();
        decided.push(Decided { push, plan: &plan });
        if !fits(&decided) {
            return false;
        }
        self.state.apply(&plan);
        self.devices.insert(&push.device);
        self.decided.push((push, plan));
        true
    }

    /// The pushes with their plans, in commit order.
    pub fn decided(&self) -> Vec<Decided<'_>> {
        self.decided.iter().map(|(push, plan)| Decided { push, plan }).collect()
    }

    /// The commit to `room`; `None` if the group has no pushes.
    pub fn commit<'b>(&'b self, room: &'b Room) -> Option<CommitPlan<'b>> {
        CommitPlan::of_group(&self.rules.tables, room, self.decided())
    }
}
