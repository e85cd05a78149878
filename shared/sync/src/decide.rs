//! What a push does: a pure function of what was read, what was asked, and the time. It cannot fail.

pub mod commit;
mod edit;
mod verdict;

use std::collections::{BTreeMap, BTreeSet};

use crate::dead_letters::Letter;
use crate::limits::COMMIT_BYTES_MAX;
use crate::outcome::Outcome;
use crate::policy::Policy;
use crate::policy::field_merge::FieldVersions;
use crate::push::{Incoming, Push, Write};
use crate::record::Record;
use crate::rules::Rules;
use crate::snapshot::{ClockReading, Head, Snapshot};
pub use edit::has_delta;
use protocol::ids::DeviceId;
use protocol::record::{Change, Operation, RecordKey};
use protocol::stamp::Stamp;
use protocol::timestamp::Timestamp;
use protocol::wire::outcome::RejectionCode;
use verdict::{Step, Verdict};

/// What is to be written, under which conditions, and what is answered.
#[derive(Clone, Debug)]
pub struct Plan {
    /// What became of each record, in the order of the request.
    pub outcomes: Vec<Outcome>,
    /// The stamp that HEAD must still have.
    pub prev: Stamp,
    /// What is logged and broadcast, in commit order.
    pub changes: Vec<Change>,
    /// Records to write.
    pub puts: Vec<Put>,
    /// Records that were read and must not have changed.
    pub checks: Vec<Check>,
    /// What was rejected, to be kept until somebody has looked at it.
    pub dead: Vec<Letter>,
    /// The first stamp of the commit, had it one: what the dead letters are filed under.
    pub first: Stamp,
    /// The room's HEAD afterwards; `log_items` is counted by whoever makes them.
    pub head: Head,
}

/// A record to write.
#[derive(Clone, Debug)]
pub struct Put {
    /// Which.
    pub key: RecordKey,
    /// The record after the last of its steps.
    pub record: Record,
    /// The version that must still be there; none, if there must be no record.
    pub expected: Option<u64>,
}

/// A record that must not have changed.
#[derive(Clone, Debug)]
pub struct Check {
    /// Which.
    pub key: RecordKey,
    /// The version that must still be there; none, if there must be no record.
    pub expected: Option<u64>,
}

impl Plan {
    /// Bytes of data that the commit writes: records, log and dead letters.
    fn bytes(&self) -> usize {
        let records = self.puts.iter().map(|put| put.record.data.as_str().len() + put.record.fields.bytes());
        let log = self.changes.iter().map(|change| change.data.as_str().len());
        let dead = self.dead.iter().map(Letter::stored_bytes);
        records.chain(log).chain(dead).sum()
    }

    /// Whether the commit fits one transaction.
    fn fits(&self) -> bool {
        self.bytes() <= COMMIT_BYTES_MAX
    }

    /// The last stamp of the commit; [`Plan::prev`], if there is none.
    pub fn stamp(&self) -> Stamp {
        self.head.stamp
    }
}

/// Decides `push` against `snapshot` at `now`: each record in turn, seeing what those before it did.
pub fn decide(rules: &Rules, snapshot: &Snapshot, push: &Push, now: Timestamp) -> Plan {
    let (prev, first) = (snapshot.stamp(), snapshot.stamp().next(now));
    let mut batch = Batch { rules, push, now, first, snapshot, steps: BTreeMap::new(), changes: Vec::new() };
    let outcomes: Vec<Outcome> = push.records.iter().map(|incoming| batch.outcome(incoming)).collect();
    if push.atomic && !outcomes.iter().all(Outcome::is_applied) {
        let head = snapshot.head.clone().unwrap_or_default();
        let outcomes = undone(outcomes, push, snapshot);
        let (changes, puts, checks, dead) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        return Plan { outcomes, prev, changes, puts, checks, dead, first, head };
    }
    let checks = batch.checks(push.keys());
    let head = batch.head();
    let dead = Letter::of(push, &outcomes);
    let puts = batch.steps.into_iter().map(|(key, record)| {
        let expected = snapshot.records.get(&key).map(|record| record.version);
        Put { key, record, expected }
    });
    Plan { outcomes, prev, puts: puts.collect(), changes: batch.changes, checks, dead, first, head }
}

/// The outcomes of an atomic batch that is not applied: what its own steps did never was.
fn undone(outcomes: Vec<Outcome>, push: &Push, snapshot: &Snapshot) -> Vec<Outcome> {
    let as_read = |(outcome, incoming): (Outcome, &Incoming)| match (outcome, &incoming.write) {
        (Outcome::Conflict { reason, .. } | Outcome::Merged { reason, .. }, Ok(write)) => {
            Outcome::Conflict { reason, server: snapshot.records.get(&write.key).cloned() }
        }
        (other, _) => other,
    };
    outcomes.into_iter().zip(&push.records).map(as_read).collect()
}

/// A batch half decided.
struct Batch<'a> {
    rules: &'a Rules,
    push: &'a Push,
    now: Timestamp,
    first: Stamp,
    snapshot: &'a Snapshot,
    /// The records that were written so far, each after its last step.
    steps: BTreeMap<RecordKey, Record>,
    changes: Vec<Change>,
}

impl Batch<'_> {
    fn device(&self) -> &DeviceId {
        &self.push.device
    }

    fn outcome(&mut self, incoming: &Incoming) -> Outcome {
        let write = match &incoming.write {
            Ok(write) => write,
            Err(rejection) => return Outcome::Rejected(rejection.clone()),
        };
        let Some(table) = self.rules.tables.get(&write.key.table) else {
            return Outcome::Rejected(RejectionCode::UnknownTable.because("This table is not synced."));
        };
        let current = self.steps.get(&write.key).or_else(|| self.snapshot.records.get(&write.key)).cloned();
        match self.verdict(table, current.as_ref(), write) {
            Verdict::Apply(step) => self.apply(table.policy, current.as_ref(), write, step),
            Verdict::Held => {
                let differs = |record: &Record| !write.deleted && write.data.as_ref() != Some(&record.data);
                let stored =
                    current.as_ref().filter(|record| differs(record)).map(|record| record.data.clone());
                let (version, stamp) =
                    current.map_or((0, Stamp::ZERO), |record| (record.version, record.stamp));
                Outcome::Held { version, stamp, stored }
            }
            Verdict::Conflict(reason) => Outcome::Conflict { reason, server: current },
            Verdict::Reject(rejection) => Outcome::Rejected(rejection),
        }
    }

    fn apply(&mut self, policy: Policy, current: Option<&Record>, write: &Write, step: Step) -> Outcome {
        if let Err(rejection) = edit::fits(&step.data) {
            return Outcome::Rejected(rejection);
        }
        let stamp = self.first.plus(self.changes.len());
        let version = current.map_or(1, |record| record.version.saturating_add(1));
        let live = current.filter(|record| !record.deleted);
        let operation = match live {
            _ if write.deleted => Operation::Delete,
            Some(_) => Operation::Update,
            None => Operation::Create,
        };
        let fields = match (policy, live) {
            (Policy::FieldMerge, Some(record)) => {
                let mut fields = record.fields.known(record.version);
                fields.note(step.touched.iter().map(String::as_str), version);
                fields
            }
            (Policy::FieldMerge, None) => FieldVersions::made(version),
            _ => FieldVersions::default(),
        };
        // A sum or a state says nothing of when, or by whom, the rest of the record was written.
        let (modified_at, device) = match (step.modified_at, current) {
            (None, Some(record)) => (record.modified_at, record.device.clone()),
            (at, _) => (at.unwrap_or(write.at), self.device().clone()),
        };
        let data = step.data;
        let record = Record {
            data: data.clone(),
            version,
            stamp,
            modified_at,
            device,
            deleted: write.deleted,
            fields,
        };
        let outcome = match step.conflict {
            Some(reason) => Outcome::Merged { reason, server: record.clone() },
            None => {
                let differs = !write.deleted && write.data.as_ref() != Some(&data);
                Outcome::Applied { version, stamp, stored: differs.then(|| data.clone()), flags: step.flags }
            }
        };
        self.changes.push(Change { key: write.key.clone(), operation, data, version, stamp });
        self.steps.insert(write.key.clone(), record);
        outcome
    }

    fn checks(&self, keys: BTreeSet<&RecordKey>) -> Vec<Check> {
        let read_only = keys.into_iter().filter(|key| !self.steps.contains_key(key));
        read_only
            .map(|key| Check {
                key: key.clone(),
                expected: self.snapshot.records.get(key).map(|record| record.version),
            })
            .collect()
    }

    fn head(&self) -> Head {
        let mut head = self.snapshot.head.clone().unwrap_or_default();
        head.stamp = self.changes.last().map_or(head.stamp, |change| change.stamp);
        head.changes = head.changes.saturating_add(self.changes.len() as u64);
        for (key, record) in &self.steps {
            let was_live = self.snapshot.records.get(key).is_some_and(|record| !record.deleted);
            let count = head.live.entry(key.table.clone()).or_default();
            *count = count.saturating_add(u64::from(!record.deleted)).saturating_sub(u64::from(was_live));
        }
        if let Some(device_time) = self.push.device_time.filter(|_| !self.changes.is_empty()) {
            let skew_millis = i64::try_from(device_time.0 / 1000).unwrap_or_default()
                - i64::try_from(self.now.0 / 1000).unwrap_or_default();
            head.note_clock(self.device(), ClockReading { skew_millis, at: self.now });
        }
        head
    }
}

#[cfg(test)]
mod tests;
