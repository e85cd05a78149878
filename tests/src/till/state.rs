//! A client's data and the rules by which it changes, as a pure value. Its owner adds time, random numbers
//! and the network, so the tills of the replay and of the simulation are the same client.

use std::collections::BTreeSet;

use protocol::follow::{Follow, follow};
use protocol::json::JsonText;
use protocol::stamp::Stamp;
use protocol::timestamp::Timestamp;
use protocol::timestamp::device_time::DeviceTime;
use protocol::wire::pull::PullResponse;
use protocol::wire::push::{AppliedRecord, Conflict, PushRecord, PushResponse};
use sync::limits::CLOCK_SKEW_MICROS_MIN;

mod frames;
mod heads;

use heads::Heads;

use super::acknowledged::{Acknowledged, Standing};
use super::queue::Queue;
use super::rows::{Row, Rows};

/// A position beyond every change: a pull from there is a snapshot.
const BEYOND_EVERYTHING: u64 = 9_007_199_254_740_991;

/// Microseconds by which a clock may be set back and still counts as the same one: the server corrects no
/// smaller differences.
const CLOCK_STEP_MICROS_MAX: i64 = CLOCK_SKEW_MICROS_MIN.cast_signed();

/// What a till keeps on disk.
#[derive(Clone, Debug, Default)]
pub struct State {
    /// The records, as the server is known to have them.
    pub rows: Rows,
    /// The last stamp of the room that the till has applied.
    pub position: Stamp,
    /// The batches to push.
    pub queue: Queue,
    /// The heads of the room that the till was told.
    heads: Heads,
    /// The cursor of the last page; `None` before the first one.
    pulled: Option<String>,
    /// The batches that were acknowledged, in case the server loses them.
    acknowledged: Acknowledged,
    /// The snapshot that is not complete yet.
    snapshot: Option<Snapshot>,
    /// Whether the room has lost a batch that this till holds, so that a new snapshot has to begin.
    needs_snapshot: bool,
    /// The latest time that the till's clock has shown since it was set back last.
    clock: Option<DeviceTime>,
}

/// What a till notices about its clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClockSeen {
    /// It goes on.
    GoesOn,
    /// It shows an earlier time than before.
    SetBack,
}

/// A snapshot that is not complete yet. Records that it does not contain are removed at its end.
#[derive(Clone, Debug)]
struct Snapshot {
    id: String,
    /// The position that the server noted when the walk began: the tail begins there.
    noted: Stamp,
    /// The records that came since the snapshot began: from it, its tail or a push of this till.
    received: BTreeSet<(String, String)>,
}

/// The result of a page.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PageTaken {
    /// Whether there are more pages.
    pub more: bool,
    /// The indexes of the changes that were new.
    pub new: Vec<usize>,
}

impl State {
    /// Applies the response to the first batch and removes the batch. A response follows the rule of frames,
    /// because a till receives no frames for its own changes.
    ///
    /// Only changes of this very commit are taken from the response, and only if it is new to the till: of an
    /// old one, the till may have dropped the records since. Earlier changes are known or will be pulled. A
    /// repeated response may show a later copy of a record, without saying whether it is deleted.
    pub fn take_push(&mut self, response: &PushResponse) -> Follow {
        let Some(batch) = self.queue.first() else { return Follow::Drop };
        let (mut complete, is_new) = (true, response.stamp > self.known());
        // In the order of the request: a batch may write a record more than once.
        for (index, record) in batch.records.iter().enumerate().filter(|_| is_new) {
            if let Some(applied) = response.applied.iter().find(|applied| applied.index == index) {
                complete &= self.take_applied(record, applied, response);
            }
            if let Some(conflict) = response.conflicts.iter().find(|conflict| conflict.index == index) {
                complete &= self.take_merged(conflict, response);
            }
        }
        let mut followed = self.follow(response.prev, response.stamp);
        let standing = match followed {
            Follow::Apply if complete => Standing::Known,
            Follow::Drop if !is_new => Standing::Unproven,
            _ => Standing::Awaited { asked: false },
        };
        self.acknowledged.add(&batch, response, standing);
        let is_doubtful = self.acknowledged.is_doubtful(&batch, response, &self.rows);
        if followed == Follow::Drop && !is_new && is_doubtful && !self.is_in_snapshot() {
            self.needs_snapshot = true;
            followed = Follow::Pull;
        }
        self.queue.finish_first(response);
        match followed {
            Follow::Apply if complete => {
                self.position = response.stamp;
                Follow::Apply
            }
            // A pull from before the commit brings all of it.
            Follow::Apply => Follow::Pull,
            followed => followed,
        }
    }

    /// The till's clock shows `time`. If it was set back, it says nothing about the age of earlier batches,
    /// which are sent without `device_time` then.
    pub fn clock_shows(&mut self, time: DeviceTime) -> ClockSeen {
        let is_set_back = self.clock.is_some_and(|latest| latest.since(time) > CLOCK_STEP_MICROS_MAX);
        if is_set_back {
            let batches = self.queue.waiting_mut().chain(self.acknowledged.requests_mut());
            batches.for_each(|batch| batch.device_time = None);
            self.clock = None;
        }
        self.clock = self.clock.max(Some(time));
        if is_set_back { ClockSeen::SetBack } else { ClockSeen::GoesOn }
    }

    /// The query of the page to pull next: the cursor of the last one, and how far frames and pushes have
    /// moved the till since. In a snapshot and its tail only the cursor counts.
    pub fn pull_query(&mut self) -> String {
        self.acknowledged.ask();
        self.heads.ask();
        match (&self.pulled, &self.snapshot) {
            _ if self.needs_snapshot => format!("since={BEYOND_EVERYTHING}"),
            (None, _) => "since=0".to_owned(),
            (Some(cursor), Some(_)) => format!("cursor={cursor}"),
            (Some(cursor), None) => format!("cursor={cursor}&since={}", self.position.0),
        }
    }

    /// Whether a snapshot is not complete yet.
    pub fn is_in_snapshot(&self) -> bool {
        self.needs_snapshot || self.snapshot.is_some()
    }

    /// Applies a page.
    pub fn take_page(&mut self, page: &PullResponse) -> PageTaken {
        let id = page.snapshot_id.as_deref().filter(|_| page.mode == "snapshot");
        if let Some(id) = id.filter(|&id| self.snapshot.as_ref().is_none_or(|known| known.id != id)) {
            self.snapshot =
                Some(Snapshot { id: id.to_owned(), noted: page.stamp, received: BTreeSet::new() });
            self.needs_snapshot = false;
            self.acknowledged.begin_snapshot();
        }
        if !self.is_in_snapshot() {
            self.acknowledged.confirm();
        }
        let mut taken = PageTaken { more: page.has_more, new: Vec::new() };
        for (i, change) in page.changes.iter().enumerate() {
            self.acknowledged.arrived(change, self.snapshot.is_some());
            let is_new = self.set(&change.table_name, &change.record_id, Row::from(change));
            taken.new.extend(is_new.then_some(i));
        }
        // The server has them and cannot read them, so this till's copies may be the last.
        for name in &page.damaged {
            self.mark(&name.table_name, &name.record_id);
            self.rows.set_unreadable(&name.table_name, &name.record_id);
        }
        self.pulled = Some(page.next_cursor.clone());
        if id.is_none() || !page.has_more {
            let floor = if self.snapshot.is_some() { Stamp::ZERO } else { self.position };
            self.position = floor.max(page.stamp);
        }
        if !page.has_more {
            self.heads.end_pull();
            self.needs_snapshot |= self.acknowledged.end_pull(page.stamp);
            taken.more = self.needs_snapshot;
            self.end_snapshot();
        }
        taken
    }

    /// Ends a snapshot whose tail is complete: records that did not come are removed, and acknowledged
    /// batches that the server may have lost are queued again, before everything that was not sent yet.
    /// A snapshot without a batch that it should have is of no use; another one follows.
    pub fn end_snapshot(&mut self) {
        if self.needs_snapshot {
            return;
        }
        if let Some(snapshot) = self.snapshot.take() {
            self.rows.retain(|key| snapshot.received.contains(key));
            self.queue.add_unsent_first(self.acknowledged.take_lost(&self.rows));
        }
        self.acknowledged.forget_before(self.position);
    }

    /// The position up to which the till has every change, or gets the records from a snapshot.
    fn known(&self) -> Stamp {
        self.snapshot.as_ref().map_or(self.position, |snapshot| snapshot.noted)
    }

    /// What to do with changes from `prev` to `stamp`. During a snapshot they are dropped; its tail brings
    /// them. A till that has never pulled has no position.
    fn follow(&self, prev: Stamp, stamp: Stamp) -> Follow {
        match &self.pulled {
            _ if self.is_in_snapshot() => Follow::Drop,
            None => Follow::Pull,
            Some(_) => follow(self.position, prev, stamp),
        }
    }

    /// Takes an applied record. Returns false if the response omits its stored data.
    fn take_applied(
        &mut self,
        record: &PushRecord,
        applied: &AppliedRecord,
        response: &PushResponse,
    ) -> bool {
        if applied.stamp <= response.prev || applied.data_omitted {
            return !applied.data_omitted;
        }
        let (table, id) = (&record.table_name, &record.record_id);
        let sent = applied.data.as_ref().or(record.data.as_ref()).cloned();
        // A delete without data keeps the stored data, as the server's tombstone does.
        let kept = || self.rows.get(table, id).map(|known| known.data.clone());
        let row = Row {
            data: sent.or_else(kept).unwrap_or_else(JsonText::null),
            version: applied.version,
            stamp: applied.stamp,
            deleted: record.is_deleted,
        };
        self.set(table, id, row);
        true
    }

    /// Takes the copy of a record that was merged in part; the queue keeps the conflict for a person. Returns
    /// false if the copy did not fit into the response.
    fn take_merged(&mut self, conflict: &Conflict, response: &PushResponse) -> bool {
        let written = conflict.server_updated_at.as_deref().and_then(|time| Timestamp::parse(time).ok());
        let Some(stamp) = written.map(|time| Stamp(time.0)) else { return true };
        // A repeated response shows the copy as it is by then, perhaps written by another record of the
        // batch. That record's own result says what it is.
        let is_applied = response.applied.iter().any(|applied| applied.stamp == stamp);
        if is_applied || stamp <= response.prev || stamp > response.stamp {
            return true;
        }
        let Some(data) = &conflict.server_data else { return false };
        let row = Row { data: data.clone(), version: conflict.server_version, stamp, deleted: false };
        self.set(&conflict.table_name, &conflict.record_id, row);
        true
    }

    /// Takes a row. The first copy since a snapshot began, from it or from its tail, replaces even a row that
    /// seems newer: that one may be of a history that the room has lost.
    fn set(&mut self, table: &str, id: &str, row: Row) -> bool {
        if self.mark(table, id) { self.rows.replace(table, id, row) } else { self.rows.set(table, id, row) }
    }

    /// Notes that a record came. Returns whether it is the first time during a snapshot.
    fn mark(&mut self, table: &str, id: &str) -> bool {
        let received = self.snapshot.as_mut().map(|snapshot| &mut snapshot.received);
        received.is_some_and(|received| received.insert((table.to_owned(), id.to_owned())))
    }
}

#[cfg(test)]
mod tests;
