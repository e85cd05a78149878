//! The batches that a till pushed and the server acknowledged. A server that was put back from a copy has
//! lost some of them, and the till offers them again.

use std::collections::{BTreeMap, VecDeque};

use protocol::stamp::Stamp;
use protocol::wire::pull::PulledChange;
use protocol::wire::push::{PushRequest, PushResponse};

use super::rows::Rows;

/// How long before the last complete pull an acknowledged batch is kept: as far back as DynamoDB's
/// point-in-time recovery reaches. A batch id is known for longer, so an offer never applies a batch twice.
pub const ACKNOWLEDGED_MICROS: u64 = 35 * 24 * 3600 * 1_000_000;
/// Maximum number of batches that are kept; the oldest goes first.
pub const ACKNOWLEDGED_BATCHES_MAX: usize = 10_000;

/// The acknowledged batches.
#[derive(Clone, Debug, Default)]
pub struct Acknowledged {
    /// In the order of their commits.
    batches: VecDeque<Batch>,
    /// Of those that were offered again and not answered yet, by their ids, the stamp of the lost commit.
    offered: BTreeMap<String, Stamp>,
}

#[derive(Clone, Debug)]
struct Batch {
    request: PushRequest,
    /// The room's positions before and after the commit.
    prev: Stamp,
    stamp: Stamp,
    /// The records that the batch wrote: table, id and stamp.
    wrote: Vec<(String, String, Stamp)>,
    standing: Standing,
}

/// What a till knows about the commit of an acknowledged batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It is of the same history as the commits before it.
    Known,
    /// It may be of a history that begins before the till's position, because the room was put back.
    Unproven,
    /// It lies beyond the till's position, so the next pull must bring it. `asked`: that pull has begun.
    Awaited {
        /// A page was asked for since the response.
        asked: bool,
    },
}

impl Acknowledged {
    /// Keeps `request` after its `response`. A repeated batch keeps one entry, at its latest commit.
    pub fn add(&mut self, request: &PushRequest, response: &PushResponse, standing: Standing) {
        if request.batch_id.is_some() {
            self.batches.retain(|known| known.request.batch_id != request.batch_id);
        }
        // Without a batch id, sending a batch again is not exactly-once, so it is only awaited: if the server
        // has lost it, the till must not keep its records. An atomic batch that was not applied waits for a
        // person.
        let is_awaited = matches!(standing, Standing::Awaited { .. }) && response.prev < response.stamp;
        if !response.success || request.batch_id.is_none() && !is_awaited {
            return;
        }
        let wrote = response.applied.iter().filter(|applied| applied.stamp > response.prev);
        let wrote = wrote
            .map(|applied| (applied.table_name.clone(), applied.record_id.clone(), applied.stamp))
            .collect();
        let (request, prev, stamp) = (request.clone(), response.prev, response.stamp);
        let batch = Batch { request, prev, stamp, wrote, standing };
        // A repeated response may be about an early commit.
        let at = self.batches.partition_point(|known| known.order() <= batch.order());
        self.batches.insert(at, batch);
        while self.batches.len() > ACKNOWLEDGED_BATCHES_MAX {
            self.batches.pop_front();
        }
    }

    /// Whether a restore may have removed the commit of `response`, given that the till has passed it. It
    /// passes its own commit by a page that brings it, so one of `rows` shows it, unless others wrote over
    /// all of them. If the answer to an offer names the same commit as before, the server still has it.
    pub fn is_doubtful(&mut self, request: &PushRequest, response: &PushResponse, rows: &Rows) -> bool {
        let Some(id) = &request.batch_id else { return false };
        let offered_for = self.offered.remove(id);
        let batch = self.batches.iter().find(|known| known.request.batch_id == request.batch_id);
        let is_shown = batch.is_none_or(|batch| batch.prev == batch.stamp || batch.is_surely_there(rows));
        !is_shown && offered_for != Some(response.stamp)
    }

    /// The till asks for a page.
    pub fn ask(&mut self) {
        for batch in &mut self.batches {
            if let Standing::Awaited { asked } = &mut batch.standing {
                *asked = true;
            }
        }
    }

    /// A snapshot begins. Of a batch that was answered before, it may show only what others wrote over it.
    pub fn begin_snapshot(&mut self) {
        let asked = Standing::Awaited { asked: true };
        let earlier = self.batches.iter_mut().filter(|batch| batch.standing == asked);
        earlier.for_each(|batch| batch.standing = Standing::Unproven);
    }

    /// A page brought `change`. A page of a snapshot may be of another history than the batches before.
    pub fn arrived(&mut self, change: &PulledChange, in_snapshot: bool) {
        let standing = if in_snapshot { Standing::Unproven } else { Standing::Known };
        for batch in self.batches.iter_mut().filter(|batch| batch.is_awaited() && batch.has(change)) {
            batch.standing = standing;
        }
    }

    /// A page of the log continued at the till's position, so the room still has everything up to it.
    pub fn confirm(&mut self) {
        let unproven = self.batches.iter_mut().filter(|batch| batch.standing == Standing::Unproven);
        unproven.for_each(|batch| batch.standing = Standing::Known);
    }

    /// A pull ended at `end`. Returns whether the room has lost a batch that it should have brought.
    pub fn end_pull(&mut self, end: Stamp) -> bool {
        let mut has_lost = false;
        let asked = Standing::Awaited { asked: true };
        for batch in self.batches.iter_mut().filter(|batch| batch.standing == asked) {
            // A batch that wrote nothing has no changes that could come.
            let is_there = batch.prev == batch.stamp && batch.stamp <= end;
            batch.standing = if is_there { Standing::Known } else { Standing::Unproven };
            has_lost |= !is_there;
        }
        self.batches.retain(|batch| batch.request.batch_id.is_some() || batch.is_awaited());
        has_lost
    }

    /// Forgets what no restore can take from a room that the till knew up to `position`.
    pub fn forget_before(&mut self, position: Stamp) {
        let oldest = position.0.saturating_sub(ACKNOWLEDGED_MICROS);
        while self.batches.front().is_some_and(|batch| batch.stamp.0 < oldest) {
            self.batches.pop_front();
        }
    }

    /// The batches, to be sent in another way if they are offered again.
    pub fn requests_mut(&mut self) -> impl Iterator<Item = &mut PushRequest> {
        self.batches.iter_mut().map(|batch| &mut batch.request)
    }

    /// Takes the batches that the server may have lost, given the `rows` of a complete snapshot.
    ///
    /// A copy holds every commit up to its moment and none after it. So in one history everything before a
    /// batch that is surely there is there too. A batch that may be of the restored room already says nothing
    /// about those before it. One that was answered after the last page was asked for stays awaited: its row
    /// comes from the response, and only the next pull tells.
    pub fn take_lost(&mut self, rows: &Rows) -> impl DoubleEndedIterator<Item = PushRequest> {
        let is_known = |batch: &Batch| batch.standing == Standing::Known;
        let last = self.batches.iter().rfind(|batch| is_known(batch) && batch.is_surely_there(rows));
        let last = last.map(Batch::order);
        let (kept, lost): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.batches).into_iter().partition(|batch| {
                let is_before_one = is_known(batch) && Some(batch.order()) <= last;
                batch.is_awaited() || is_before_one || batch.is_surely_there(rows)
            });
        self.batches = kept.into();
        let decided = self.batches.iter_mut().filter(|batch| !batch.is_awaited());
        decided.for_each(|batch| batch.standing = Standing::Known);
        let offers = lost.iter().filter_map(|batch| Some((batch.request.batch_id.clone()?, batch.stamp)));
        self.offered.extend(offers);
        lost.into_iter().map(|batch| batch.request)
    }
}

impl Batch {
    /// Its place among the commits of a room. A batch that wrote nothing comes after the one whose `stamp` it
    /// shows.
    fn order(&self) -> (Stamp, Stamp) {
        (self.stamp, self.prev)
    }

    fn is_awaited(&self) -> bool {
        matches!(self.standing, Standing::Awaited { .. })
    }

    /// Whether `change` is of this commit. That its stamp lies between `prev` and `stamp` is not enough:
    /// after a restore, the room commits others there.
    ///
    /// A response need not say which record has its own `stamp`, the last one of the commit: a record that
    /// was merged in part is in no entry of `applied`.
    fn has(&self, change: &PulledChange) -> bool {
        let is_of = |table: &str, id: &str| (table, id) == (&change.table_name, &change.record_id);
        let mut given = self.wrote.iter().filter(|(_, _, stamp)| *stamp == change.stamp).peekable();
        if given.peek().is_none() && change.stamp == self.stamp {
            return self.request.records.iter().any(|record| is_of(&record.table_name, &record.record_id));
        }
        given.any(|(table, id, _)| is_of(table, id))
    }

    /// Whether a record still has the stamp that the batch gave it. A record that another batch wrote later
    /// says nothing.
    fn is_surely_there(&self, rows: &Rows) -> bool {
        self.wrote.iter().any(|(table, id, stamp)| rows.show(table, id, *stamp))
    }
}
