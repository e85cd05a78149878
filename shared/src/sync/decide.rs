//! What a push does: a pure function of what was read, what was asked, and the time. It cannot fail.

use std::collections::{BTreeMap, BTreeSet};

use crate::json::{JsonText, merge_fields};
use crate::limits::{CLOCK_AHEAD_MICROS_MAX, RECORD_BYTES_MAX};
use crate::micros::Micros;
use crate::policy::last_writer_wins::{Side, winner};
use crate::policy::{Policy, Winner};
use crate::record::{Change, Operation, Record, RecordKey};
use crate::stamp::Stamp;
use crate::sync::outcome::{Outcome, Reason, RejectCode, Rejection};
use crate::sync::push::{Incoming, Push, Write};
use crate::sync::snapshot::{Head, Snapshot};
use crate::tables::Tables;
use crate::tenant::DeviceId;

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
    /// Bytes of data that the commit writes, as records and as log.
    pub fn bytes(&self) -> usize {
        let records = self.puts.iter().map(|put| &put.record.data);
        records.chain(self.changes.iter().map(|change| &change.data)).map(|data| data.as_str().len()).sum()
    }

    /// The last stamp of the commit; [`Plan::prev`], if there is none.
    pub fn stamp(&self) -> Stamp {
        self.head.stamp
    }
}

/// Decides `push` against `snapshot` at `now`: each record in turn, seeing what those before it did.
pub fn decide(tables: &Tables, snapshot: &Snapshot, push: &Push, now: Micros) -> Plan {
    let prev = snapshot.stamp();
    let mut batch = Batch {
        device: &push.device,
        now,
        first: prev.next(now),
        snapshot,
        steps: BTreeMap::new(),
        changes: Vec::new(),
    };
    let outcomes: Vec<Outcome> =
        push.records.iter().map(|incoming| batch.outcome(tables, incoming)).collect();
    if push.atomic && !outcomes.iter().all(Outcome::is_applied) {
        let head = snapshot.head.clone().unwrap_or_default();
        let outcomes = undone(outcomes, push, snapshot);
        return Plan { outcomes, prev, changes: Vec::new(), puts: Vec::new(), checks: Vec::new(), head };
    }
    let checks = batch.checks(push.keys());
    let head = batch.head();
    let puts = batch.steps.into_iter().map(|(key, record)| {
        let expected = snapshot.records.get(&key).map(|record| record.version);
        Put { key, record, expected }
    });
    Plan { outcomes, prev, puts: puts.collect(), changes: batch.changes, checks, head }
}

/// The outcomes of an atomic batch that is not applied: what its own steps did never was.
fn undone(outcomes: Vec<Outcome>, push: &Push, snapshot: &Snapshot) -> Vec<Outcome> {
    let as_read = |(outcome, incoming): (Outcome, &Incoming)| match (outcome, &incoming.write) {
        (Outcome::Conflict { reason, .. }, Ok(write)) => {
            Outcome::Conflict { reason, server: snapshot.records.get(&write.key).cloned() }
        }
        (other, _) => other,
    };
    outcomes.into_iter().zip(&push.records).map(as_read).collect()
}

/// A batch half decided.
struct Batch<'a> {
    device: &'a DeviceId,
    now: Micros,
    first: Stamp,
    snapshot: &'a Snapshot,
    /// The records that were written so far, each after its last step.
    steps: BTreeMap<RecordKey, Record>,
    changes: Vec<Change>,
}

/// What to do with one write.
enum Verdict {
    Apply { modified_at: Micros },
    Held,
    Conflict(Reason),
    Reject(Rejection),
}

impl Batch<'_> {
    fn outcome(&mut self, tables: &Tables, incoming: &Incoming) -> Outcome {
        let write = match &incoming.write {
            Ok(write) => write,
            Err(rejection) => return Outcome::Rejected(rejection.clone()),
        };
        let current = self.steps.get(&write.key).or_else(|| self.snapshot.records.get(&write.key)).cloned();
        match self.verdict(tables, current.as_ref(), write) {
            Verdict::Apply { modified_at } => self.apply(current.as_ref(), write, modified_at),
            Verdict::Held => {
                let (version, stamp) =
                    current.map_or((0, Stamp::ZERO), |record| (record.version, record.stamp));
                Outcome::Held { version, stamp }
            }
            Verdict::Conflict(reason) => Outcome::Conflict { reason, server: current },
            Verdict::Reject(rejection) => Outcome::Rejected(rejection),
        }
    }

    fn verdict(&self, tables: &Tables, current: Option<&Record>, write: &Write) -> Verdict {
        let Some(policy) = tables.policy(&write.key.table) else {
            return Verdict::Reject(RejectCode::UnknownTable.because("This table is not synced."));
        };
        if write.at.0 > self.now.0.saturating_add(CLOCK_AHEAD_MICROS_MAX) {
            let message = format!(
                "`local_updated_at` is ahead of the server's clock, {}; set the till's clock.",
                self.now
            );
            return Verdict::Reject(RejectCode::ClockAhead.because(message));
        }
        match current {
            // A version of something the server does not have is no create: it was purged, or never was.
            None if write.base.is_some_and(|base| base > 0) => Verdict::Conflict(Reason::DeletedOnServer),
            None => Verdict::Apply { modified_at: write.at },
            Some(server) if self.holds(server, write) => Verdict::Held,
            Some(server) if server.deleted => over_tombstone(server, write),
            Some(server) => self.over_live(policy, server, write),
        }
    }

    /// Whether `write` is a replay of what the server holds, or deletes what is deleted.
    fn holds(&self, server: &Record, write: &Write) -> bool {
        if server.deleted && write.deleted {
            return true;
        }
        let same = server.device == *self.device && server.deleted == write.deleted;
        let from_here = match write.base {
            Some(base) => base == 0 || server.version == base.saturating_add(1),
            // A till whose clock was set back finds its own later time.
            None => server.modified_at >= write.at,
        };
        same && from_here && stored(Some(server), write).is_ok_and(|data| data == server.data)
    }

    fn over_live(&self, policy: Policy, server: &Record, write: &Write) -> Verdict {
        let on_current_base =
            Verdict::Apply { modified_at: write.at.max(Micros(server.modified_at.0.saturating_add(1))) };
        let concurrent = match write.base {
            Some(0) => return Verdict::Conflict(Reason::AlreadyExists),
            Some(base) if base == server.version || self.follows_own_step(base, write) => {
                return on_current_base;
            }
            Some(_) => true,
            None => server.modified_at > write.at && server.device != *self.device,
        };
        let sides = |policy| match policy {
            Policy::LastWriterWins => winner(
                Side { modified_at: server.modified_at, device: &server.device },
                Side { modified_at: write.at, device: self.device },
            ),
        };
        if concurrent && sides(policy) == Winner::Server {
            return Verdict::Conflict(Reason::NewerOnServer);
        }
        // A till whose clock was set back still writes after itself.
        Verdict::Apply { modified_at: write.at.max(server.modified_at) }
    }

    /// Whether the record was written by this very batch, from the same version: two edits made offline, of which
    /// the second could not know what the first would become.
    fn follows_own_step(&self, base: u64, write: &Write) -> bool {
        let read = self.snapshot.records.get(&write.key);
        self.steps.contains_key(&write.key) && read.is_some_and(|record| record.version == base)
    }

    fn apply(&mut self, current: Option<&Record>, write: &Write, modified_at: Micros) -> Outcome {
        let data = match stored(current, write) {
            Ok(data) => data,
            Err(rejection) => return Outcome::Rejected(rejection),
        };
        let stamp = self.first.plus(self.changes.len());
        let version = current.map_or(1, |record| record.version.saturating_add(1));
        let operation = match current {
            _ if write.deleted => Operation::Delete,
            Some(record) if !record.deleted => Operation::Update,
            _ => Operation::Create,
        };
        let differs = !write.deleted && write.data.as_ref() != Some(&data);
        let outcome = Outcome::Applied { version, stamp, stored: differs.then(|| data.clone()) };
        self.changes.push(Change { key: write.key.clone(), operation, data: data.clone(), version, stamp });
        let device = self.device.clone();
        self.steps.insert(
            write.key.clone(),
            Record { data, version, stamp, modified_at, device, deleted: write.deleted },
        );
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
        head
    }
}

/// A tombstone gives way only to a write that says it knows: by `base_version` 0 or the tombstone's own.
fn over_tombstone(server: &Record, write: &Write) -> Verdict {
    if write.base == Some(0) || write.base == Some(server.version) {
        Verdict::Apply { modified_at: write.at.max(Micros(server.modified_at.0.saturating_add(1))) }
    } else {
        Verdict::Conflict(Reason::DeletedOnServer)
    }
}

/// What the record holds after `write`.
fn stored(current: Option<&Record>, write: &Write) -> Result<JsonText, Rejection> {
    let live = current.filter(|record| !record.deleted);
    let data = match (&write.data, &write.fields, live) {
        // A delete without data keeps the last there was.
        (None, _, _) => Ok(current.map_or_else(JsonText::null, |record| record.data.clone())),
        (Some(sent), Some(fields), Some(record)) if !write.deleted => {
            merge_fields(&record.data, sent, fields).map_err(|error| {
                RejectCode::Malformed.because(format!("`fields` cannot be merged: {error}."))
            })
        }
        (Some(sent), _, _) => Ok(sent.clone()),
    }?;
    let bytes = data.as_str().len();
    if bytes > RECORD_BYTES_MAX {
        let message = format!("The record would have {bytes} bytes; at most {RECORD_BYTES_MAX} fit.");
        return Err(RejectCode::RecordTooLarge.because(message));
    }
    Ok(data)
}

#[cfg(test)]
mod tests;
