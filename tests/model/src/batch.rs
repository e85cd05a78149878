//! A batch: its records in order; each sees the writes before it.

use std::collections::{BTreeMap, BTreeSet};

use protocol::ids::Room;
use protocol::role::Role;
use protocol::timestamp::Timestamp;
use protocol::timestamp::device_time::DeviceTime;
use protocol::wire::push::{PushRecord, PushRequest};

use crate::applied_before::{self, AppliedBefore};
use crate::groups;
use crate::numbers::Says;
use crate::record::{Decision, Situation, decide, remembered_since};
use crate::room::{ExpectedResult, Key, Prediction, RoomState, Row, Written};
use crate::seen::{self, BaseStamp};
use crate::write::{AHEAD_MICROS_MAX, Clock, Write};

/// A push as the function received it.
#[derive(Clone, Debug)]
pub struct Push<'a> {
    /// The room.
    pub room: &'a Room,
    /// The role in the token.
    pub role: Role,
    /// The body as it was sent.
    pub body: &'a str,
    /// When it arrived at the edge, at the latest `now`.
    pub arrived_at: Timestamp,
    /// The function's time.
    pub now: Timestamp,
    /// The tables that the function does not know, of those in the rules.
    pub unknown: &'a [&'a str],
}

pub(crate) fn push(room: &mut RoomState, request: &Push<'_>) -> Option<Prediction> {
    let mut body: PushRequest = serde_json::from_str(request.body).ok()?;
    let unknown = |record: &&mut PushRecord| request.unknown.contains(&record.table_name.as_str());
    body.records.iter_mut().filter(unknown).for_each(|record| record.table_name.clear());
    let name = body.batch_id.clone().map(|batch| (body.device_id.clone(), batch));
    let (before, prev) = (room.rows.clone(), room.head);
    let first = request.now.0.max(prev + 1);
    let clock = client_clock(&body, request);
    let parse = |record| Write::parse(record, request.role, clock, request.arrived_at.0, request.now.0);
    let writes: Vec<Result<Write, &str>> = body.records.iter().map(parse).collect();
    let valid: Vec<Write> = writes.iter().filter_map(|write| write.clone().ok()).collect();
    let first_commit = room.first_commit.unwrap_or(first);
    let now = request.now.0;
    let number = body.device_seq.filter(|_| body.batch_id.is_some());
    let numbers = room.numbers.get(&body.device_id);
    let says = number.zip(numbers).map(|(number, numbers)| numbers.say(number, remembered_since(now)));
    let says = says.unwrap_or(Says::Nothing);
    let applied_before =
        applied_before::judge(&before, &room.damaged, &valid, &body, now, first_commit, says);
    let mut situations: Vec<&str> = applied_before.map(AppliedBefore::situation).into_iter().collect();
    situations.extend((says == Says::MayBeApplied).then_some("number of a batch that was applied before"));
    situations.extend(valid.iter().any(|write| write.corrected).then_some("device clock corrected"));
    let applied_before = applied_before.unwrap_or(AppliedBefore::No);
    let is_committed = applied_before == AppliedBefore::Committed;
    let batch = Batch {
        room,
        before: &before,
        body: &body,
        request,
        applied_before,
        prev,
        first,
        next: first,
        first_deletion: None,
        first_versions: BTreeMap::new(),
        versions: BTreeMap::new(),
        met: BTreeSet::new(),
    };
    let Decided { results, undone, next, versions, first_deletion, met } = groups::decide(batch, &writes);
    situations.extend(met);
    situations.extend((undone > 0).then_some("group undone"));
    let has_group = !is_committed && groups::is_applied(&body, &results);
    situations.extend(has_group.then_some("group applied"));
    let rolled_back =
        body.atomic && !results.iter().all(|result| matches!(result, ExpectedResult::Applied { .. }));
    if rolled_back {
        room.rows = before;
        let versions = BTreeMap::new();
        return Some(Prediction { results, prev, stamp: prev, rolled_back, versions, situations });
    }
    let rejected = results.iter().filter(|result| matches!(result, ExpectedResult::Rejected(_))).count();
    room.dead_letters.insert((first, request.now.0, request.body.to_owned()), rejected);
    let stamp = if next > first { next - 1 } else { prev };
    room.head = stamp;
    if next > first {
        room.first_commit = Some(first_commit);
        room.first_tombstone = room.first_tombstone.or(first_deletion);
    }
    room.changes += next - first;
    let prediction = Prediction { results, prev, stamp, rolled_back, versions, situations };
    if let Some(number) = number {
        let numbers = room.numbers.entry(body.device_id.clone()).or_default();
        numbers.note(number, remembered_since(now), now);
    }
    if let Some(name) = name {
        room.responses.insert(name, prediction.clone());
    }
    Some(prediction)
}

/// What the client's clock showed. `None` if it was set back since one of the writes: it says nothing about
/// the others then either.
fn client_clock(body: &PushRequest, request: &Push<'_>) -> Option<Clock> {
    let shows = DeviceTime::parse(body.device_time.as_ref()?).ok()?.0;
    let is_later = |record: &PushRecord| {
        let write = Write::parse(record, request.role, None, request.arrived_at.0, request.now.0);
        write.is_ok_and(|write| write.shown.is_some_and(|shown| shown > shows + AHEAD_MICROS_MAX))
    };
    (!body.records.iter().any(is_later)).then_some(Clock { shows, at: request.arrived_at.0 })
}

/// What became of a batch.
pub(crate) struct Decided {
    pub(crate) results: Vec<ExpectedResult>,
    /// The number of groups that were undone.
    pub(crate) undone: usize,
    /// The stamp of the next change.
    pub(crate) next: u64,
    pub(crate) versions: BTreeMap<Key, u64>,
    pub(crate) first_deletion: Option<u64>,
    /// What the writes met.
    pub(crate) met: BTreeSet<&'static str>,
}

pub(crate) struct Batch<'a> {
    room: &'a mut RoomState,
    before: &'a BTreeMap<Key, Row>,
    pub(crate) body: &'a PushRequest,
    request: &'a Push<'a>,
    applied_before: AppliedBefore,
    /// The room's last stamp before the batch.
    prev: u64,
    first: u64,
    /// The stamp of the next change.
    next: u64,
    /// The stamp of the first deletion.
    first_deletion: Option<u64>,
    /// The version of each record after its first change.
    first_versions: BTreeMap<Key, u64>,
    /// The version of each record after its last change.
    versions: BTreeMap<Key, u64>,
    met: BTreeSet<&'static str>,
}

impl Batch<'_> {
    /// Forgets everything that was decided.
    pub(crate) fn begin_again(&mut self) {
        self.room.rows = self.before.clone();
        (self.next, self.first_deletion) = (self.first, None);
        self.first_versions.clear();
        self.versions.clear();
        self.met.clear();
    }

    pub(crate) fn end(self, results: Vec<ExpectedResult>, undone: usize) -> Decided {
        let Batch { next, versions, first_deletion, met, .. } = self;
        Decided { results, undone, next, versions, first_deletion, met }
    }

    pub(crate) fn record(&mut self, write: Result<Write, &str>) -> ExpectedResult {
        let write = match write {
            Ok(write) if self.is_committed() => return self.of_committed(&write),
            Ok(write) if self.room.damaged.contains(&write.key) => {
                return ExpectedResult::Rejected("record_corrupt".to_owned());
            }
            Ok(write) => write,
            Err(code) => return ExpectedResult::Rejected(code.to_owned()),
        };
        let current = self.room.rows.get(&write.key).cloned();
        let before = self.before.get(&write.key);
        let situation = Situation {
            current: current.as_ref(),
            written_by_batch: current.as_ref() != before,
            version_before: before.map(|row| row.version),
            first_version: self.first_versions.get(&write.key).copied().filter(|_| before.is_none()),
            created_by_batch: current.as_ref() != before && before.is_none_or(|row| row.deleted),
            device: &self.body.device_id,
            number: self.body.device_seq,
            told: self.told(before),
            has_batch_id: self.body.batch_id.is_some(),
            now: self.request.now.0,
            applied_before: self.applied_before,
        };
        self.met.extend(seen::situation(&situation, &write));
        let stored = current.as_ref().map_or((0, 0), |row| (row.version, row.stamp));
        match decide(&situation, &write) {
            Decision::Store { row, flags } => {
                let (version, stamp) = self.store(&write, row);
                let mut flags: Vec<String> =
                    write.flags.iter().chain(&flags).map(ToString::to_string).collect();
                flags.sort_unstable();
                ExpectedResult::Applied { version, stamp, flags }
            }
            Decision::Merge { row, reason } => {
                let (version, _) = self.store(&write, row);
                ExpectedResult::Conflict { reason: reason.to_owned(), version }
            }
            Decision::AlreadyApplied => {
                ExpectedResult::Applied { version: stored.0, stamp: stored.1, flags: Vec::new() }
            }
            Decision::Conflict(reason) => {
                ExpectedResult::Conflict { reason: reason.to_owned(), version: stored.0 }
            }
            Decision::Reject(code) => ExpectedResult::Rejected(code.to_owned()),
        }
    }

    /// Whether the batch was committed before, and nothing shows what became of its records.
    pub(crate) fn is_committed(&self) -> bool {
        self.applied_before == AppliedBefore::Committed
    }

    fn of_committed(&self, write: &Write) -> ExpectedResult {
        let row = self.room.rows.get(&write.key);
        let holds = |row: &&Row| {
            let is_same = write.deleted == row.deleted && (write.deleted || write.data == row.data);
            self.body.atomic || is_same
        };
        let is_gone = row.is_none() && (self.body.atomic || write.deleted);
        match row.filter(holds) {
            Some(Row { version, stamp, .. }) => {
                ExpectedResult::Applied { version: *version, stamp: *stamp, flags: Vec::new() }
            }
            None if is_gone => ExpectedResult::Applied { version: 0, stamp: 0, flags: Vec::new() },
            None => {
                let (reason, version) = ("outcome_unknown".to_owned(), row.map_or(0, |row| row.version));
                ExpectedResult::Conflict { reason, version }
            }
        }
    }

    /// Who writes: a replay is not known to the device of its dead letter.
    fn writer(&self) -> String {
        let replay = self.body.batch_id.as_ref().filter(|batch| batch.starts_with("dead:"));
        replay.unwrap_or(&self.body.device_id).clone()
    }

    /// What the client says that it had seen, in front of the record as the batch found it.
    fn told<'b>(&self, before: Option<&'b Row>) -> Option<BaseStamp<'b>> {
        let stamp = self.body.base_stamp?.0;
        let before = before.filter(|row| !row.deleted);
        let forgets = stamp < self.prev && self.forgets();
        Some(BaseStamp { stamp, is_beyond: stamp > self.prev, forgets, before })
    }

    /// Whether the room may have forgotten a deletion.
    fn forgets(&self) -> bool {
        let since = remembered_since(self.request.now.0);
        self.room.first_tombstone.is_some_and(|first| first < since)
    }

    /// The highest version that a record which the server does not have may have had: if a tombstone may be
    /// forgotten, the number of all changes, since no change raises a version by more than one.
    fn versions_before(&self, write: &Write) -> u64 {
        if self.forgets() && !write.is_append_only() { self.room.changes + self.next - self.first } else { 0 }
    }

    /// Stores a changed record under the next version and stamp.
    fn store(&mut self, write: &Write, row: Row) -> (u64, u64) {
        let key = &write.key;
        let current = self.room.rows.get(key);
        let version = current.map_or_else(|| self.versions_before(write), |row| row.version) + 1;
        let stamp = self.next;
        self.next += 1;
        self.first_deletion = self.first_deletion.or(Some(stamp).filter(|_| row.deleted));
        let mut row = Row { version, stamp, ..row };
        row.written = current.map(|row| row.written.clone()).unwrap_or_default();
        if !write.is_append_only() {
            let creates = current.is_none_or(|row| row.deleted);
            let (device, number) = (self.writer(), self.body.device_seq);
            row.written.push(Written { first: version, version, stamp, device, number, creates });
            seen::forget(&mut row.written);
        }
        match current.filter(|current| !current.deleted && !row.deleted) {
            Some(current) => {
                let (old, new) =
                    (current.data.clone().unwrap_or_default(), row.data.clone().unwrap_or_default());
                (row.created, row.changed) = (current.created, current.changed.clone());
                let names = old.keys().chain(new.keys()).filter(|name| old.get(*name) != new.get(*name));
                row.changed.extend(names.map(|name| (name.clone(), version)));
            }
            None => (row.created, row.changed) = (version, BTreeMap::new()),
        }
        self.room.rows.insert(key.clone(), row);
        self.first_versions.entry(key.clone()).or_insert(version);
        self.versions.insert(key.clone(), version);
        (version, stamp)
    }
}
