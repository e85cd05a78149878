//! Decides a push: a pure function of the snapshot, the push and the time. It cannot fail.

mod base_stamp;
mod believed_time;
pub mod commit;
mod concurrent;
mod edit;
mod forgotten;
pub mod group;
mod record_decision;
pub(crate) mod record_groups;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use crate::dead_letters::DeadLetter;
use crate::device_batches::DeviceBatches;
use crate::outcome::Outcome;
use crate::policy::Policy;
use crate::policy::field_merge::FieldVersions;
use crate::push::{Incoming, Push, Write};
use crate::record::Record;
use crate::rules::SyncRules;
use crate::shortest_retention::ShortestRetention;
use crate::snapshot::{Head, Snapshot};
use crate::table_stamps::TableStamps;
use crate::version_authors::BatchAuthor;
use believed_time::device_clock;
use edit::Edited;
use forgotten::AppliedBefore;
use protocol::ids::DeviceId;
use protocol::record::{Change, Operation, RecordKey};
use protocol::stamp::Stamp;
use protocol::timestamp::Timestamp;
use protocol::timestamp::device_time::DeviceTime;
use protocol::wire::outcome::RejectionCode;
use record_decision::RecordDecision;

/// What to write, under which conditions, and the outcomes to answer.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The outcome of each record, in the order of the request.
    pub outcomes: Vec<Outcome>,
    /// The stamp that HEAD must still have.
    pub prev: Stamp,
    /// The changes to log and broadcast, in commit order.
    pub changes: Vec<Change>,
    /// Records to write.
    pub puts: Vec<Put>,
    /// Records that were read and must not have changed.
    pub checks: Vec<Check>,
    /// Rejected records to keep as dead letters.
    pub dead: Vec<DeadLetter>,
    /// The server's copies of rejected records, after the commit.
    pub rejected: BTreeMap<RecordKey, Record>,
    /// The numbers of the device's batches after the commit, if they change.
    pub device: Option<(DeviceId, DeviceBatches)>,
    /// The first stamp of the commit, also if it has no changes: the dead letters are stored under it.
    pub first: Stamp,
    /// The room's HEAD after the commit, except `log_items`, which the store counts.
    pub head: Head,
}

/// A record to write.
#[derive(Clone, Debug)]
pub struct Put {
    /// The key.
    pub key: RecordKey,
    /// The record after the last write of the batch.
    pub record: Record,
    /// The version that the stored record must still have; `None` if there must be no record.
    pub expected: Option<u64>,
}

/// A record that must not have changed.
#[derive(Clone, Debug)]
pub struct Check {
    /// The key.
    pub key: RecordKey,
    /// What must still be stored.
    pub expected: Expected,
}

/// What must be stored under a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// No record.
    Absent,
    /// A record of this version.
    Version(u64),
    /// A record that is damaged, so that its version is not known.
    Damaged,
}

impl Plan {
    /// The last stamp of the commit; [`Plan::prev`] if it has no changes.
    pub fn stamp(&self) -> Stamp {
        self.head.stamp
    }
}

/// Decides `push` against `snapshot` at `now`. Each record sees the effects of the records before it, except
/// for those of groups that are undone.
pub fn decide(rules: &SyncRules, snapshot: &Snapshot, push: &Push, now: Timestamp) -> Plan {
    let (prev, first) = (snapshot.stamp(), snapshot.stamp().next(now));
    let shortest_retention = ShortestRetention::of(snapshot.head.as_ref(), rules.retention, first);
    let mut batch = Batch {
        rules,
        push,
        author: push.author(),
        wrote_by: BatchAuthor::of(push),
        now,
        device_clock: device_clock(push),
        first,
        snapshot,
        shortest_retention,
        applied_before: AppliedBefore::No,
        steps: BTreeMap::new(),
        changes: Vec::new(),
    };
    batch.applied_before = batch.applied_before();
    let outcomes = batch.outcomes();
    if push.atomic && !outcomes.iter().all(Outcome::is_applied) {
        let head = snapshot.head.clone().unwrap_or_default();
        let outcomes = record_groups::undone(outcomes, push, snapshot);
        let rejected = rejected_copies(push, &outcomes, |key| snapshot.records.get(key));
        let (changes, puts, checks, dead) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        return Plan { outcomes, prev, changes, puts, checks, dead, rejected, device: None, first, head };
    }
    let stored = |key: &RecordKey| batch.steps.get(key).or_else(|| snapshot.records.get(key));
    let rejected = rejected_copies(push, &outcomes, stored);
    let device = batch.device_batches().map(|batches| (batch.author().clone(), batches));
    let checks = batch.checks(push.keys());
    let head = batch.head();
    let dead = DeadLetter::of(push, &outcomes);
    let puts = batch.steps.into_iter().map(|(key, record)| {
        let expected = snapshot.version(&key);
        Put { key, record, expected }
    });
    let (puts, changes) = (puts.collect(), batch.changes);
    Plan { outcomes, prev, puts, changes, checks, dead, rejected, device, first, head }
}

/// The server's copies of the rejected records of `push`.
fn rejected_copies<'a>(
    push: &Push,
    outcomes: &[Outcome],
    stored: impl Fn(&RecordKey) -> Option<&'a Record>,
) -> BTreeMap<RecordKey, Record> {
    let rejected = push.records.iter().zip(outcomes);
    let rejected = rejected.filter(|(_, outcome)| matches!(outcome, Outcome::Rejected(_)));
    let keys = rejected.filter_map(|(incoming, _)| incoming.key());
    keys.filter_map(|key| Some((key.clone(), stored(key)?.clone()))).collect()
}

/// A batch while it is decided.
struct Batch<'a> {
    rules: &'a SyncRules,
    push: &'a Push,
    author: Cow<'a, DeviceId>,
    /// The same as it is noted in the records.
    wrote_by: BatchAuthor,
    now: Timestamp,
    device_clock: Option<DeviceTime>,
    first: Stamp,
    snapshot: &'a Snapshot,
    shortest_retention: ShortestRetention,
    applied_before: AppliedBefore,
    /// The records written so far, each after its last write.
    steps: BTreeMap<RecordKey, Record>,
    changes: Vec<Change>,
}

impl Batch<'_> {
    fn author(&self) -> &DeviceId {
        &self.author
    }

    fn outcome(&mut self, incoming: &Incoming) -> Outcome {
        let write = match &incoming.write {
            Ok(write) => write,
            Err(rejection) => return Outcome::Rejected(rejection.clone()),
        };
        let Some(table) = self.rules.tables.get(&write.key.table) else {
            return Outcome::Rejected(RejectionCode::UnknownTable.with_message("This table is not synced."));
        };
        if self.applied_before == AppliedBefore::Committed {
            let server = self.snapshot.records.get(&write.key);
            return Outcome::of_committed(write, self.push.atomic, server);
        }
        if self.snapshot.damaged.contains(&write.key) {
            let message =
                "The server's copy is damaged. The write is kept: replay it once the copy is repaired.";
            return Outcome::Rejected(RejectionCode::RecordCorrupt.with_message(message));
        }
        let current = self.steps.get(&write.key).or_else(|| self.snapshot.records.get(&write.key)).cloned();
        match self.decide_record(table, current.as_ref(), write) {
            RecordDecision::Apply { edited, modified_at } => {
                self.apply(table.policy, current.as_ref(), write, edited, modified_at)
            }
            RecordDecision::AlreadyApplied => {
                let stored = current.as_ref().and_then(|record| write.differing(&record.data));
                let (version, stamp) =
                    current.map_or((0, Stamp::ZERO), |record| (record.version, record.stamp));
                Outcome::AlreadyApplied { version, stamp, stored }
            }
            RecordDecision::Conflict(reason) => Outcome::Conflict { reason, server: current },
            RecordDecision::Reject(rejection) => Outcome::Rejected(rejection),
        }
    }

    fn apply(
        &mut self,
        policy: Policy,
        current: Option<&Record>,
        write: &Write,
        edited: Edited,
        modified_at: Option<Timestamp>,
    ) -> Outcome {
        if let Err(rejection) = edit::fits(&edited.data) {
            return Outcome::Rejected(rejection);
        }
        let stamp = self.first.plus(self.changes.len());
        let version =
            current.map_or_else(|| self.first_version(policy), |record| record.version.saturating_add(1));
        let live = current.filter(|record| !record.deleted);
        let operation = match live {
            _ if write.deleted => Operation::Delete,
            Some(_) => Operation::Update,
            None => Operation::Create,
        };
        let fields = match (policy, live) {
            (Policy::FieldMerge, Some(record)) => {
                let mut fields = record.fields.known(record.version);
                fields.note(edited.touched.iter().map(String::as_str), version);
                fields
            }
            (Policy::FieldMerge, None) => FieldVersions::made(version),
            _ => FieldVersions::default(),
        };
        // A write of nothing but sums and states keeps the time and device of the last other write.
        let (modified_at, device) = match (modified_at, current) {
            (None, Some(record)) => (record.modified_at, record.device.clone()),
            (at, _) => (at.unwrap_or(self.now), self.author().clone()),
        };
        let (data, deleted) = (edited.data, write.deleted);
        let mut authors = current.map(|record| record.authors.clone()).unwrap_or_default();
        // Rows that are written once need none.
        if policy != Policy::AppendOnly {
            authors.note(version, &self.wrote_by, stamp, live.is_none());
        }
        let record =
            Record { data: data.clone(), version, stamp, modified_at, device, deleted, fields, authors };
        let outcome = match edited.conflict {
            Some(reason) => Outcome::Merged { reason, server: record.clone() },
            None => Outcome::Applied { version, stamp, stored: write.differing(&data), flags: edited.flags },
        };
        self.changes.push(Change { key: write.key.clone(), operation, data, version, stamp });
        self.steps.insert(write.key.clone(), record);
        outcome
    }

    fn checks(&self, keys: BTreeSet<&RecordKey>) -> Vec<Check> {
        let read_only = keys.into_iter().filter(|key| !self.steps.contains_key(key));
        read_only.map(|key| Check { key: key.clone(), expected: self.snapshot.expected(key) }).collect()
    }

    fn head(&self) -> Head {
        let mut head = self.snapshot.head.clone().unwrap_or_default();
        head.table_stamps = Some(TableStamps::after(&head, &self.changes));
        head.stamp = self.changes.last().map_or(head.stamp, |change| change.stamp);
        head.changes = head.changes.saturating_add(self.changes.len() as u64);
        for (key, record) in &self.steps {
            let was_live = self.snapshot.records.get(key).is_some_and(|record| !record.deleted);
            let count = head.live.entry(key.table.clone()).or_default();
            *count = count.saturating_add(u64::from(!record.deleted)).saturating_sub(u64::from(was_live));
        }
        let deletes = self.changes.iter().filter(|change| change.operation == Operation::Delete);
        let first_tombstone =
            self.shortest_retention.first_tombstone.or_else(|| deletes.map(|change| change.stamp).next());
        let as_of = head.stamp;
        head.shortest_retention =
            Some(ShortestRetention { first_tombstone, as_of, ..self.shortest_retention });
        head
    }
}

#[cfg(test)]
mod tests;
