//! What a till keeps, and the rules by which it changes: a pure value. Time, randomness and the network belong to
//! whoever holds it, so the replay's tills and the simulation's are the same client.

use protocol::stamp::{Stamp, cursor};
use protocol::timestamp::Timestamp;
use protocol::wire::pull::PullResponse;
use protocol::wire::push::{AppliedRecord, Conflict, PushRecord, PushRequest, PushResponse};
use protocol::wire::socket::SyncFrame;
use sync::follow::{Follow, follow};

use super::queue::{Queue, Split};
use super::rows::{Row, Rows};
use super::walk::Walk;

/// What a till keeps: on a real one, on its disk.
#[derive(Clone, Debug, Default)]
pub struct State {
    /// The records, as the server is known to have them.
    pub rows: Rows,
    /// Where it stands in its room.
    pub position: Stamp,
    /// What it has not pushed yet.
    pub queue: Queue,
    /// Where the last page said to go on, while there was more.
    next: Option<String>,
    /// A snapshot that is being walked.
    walk: Option<Walk>,
}

/// What a page brought.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Taken {
    /// Whether there is more to ask for at once.
    pub more: bool,
    /// The places in the page of changes that were news.
    pub news: Vec<usize>,
}

impl State {
    /// Puts a batch at the end of the queue.
    pub fn enqueue(&mut self, batch: PushRequest) {
        self.queue.add(batch);
    }

    /// The batch to send next.
    pub fn next_batch(&self) -> Option<PushRequest> {
        self.queue.first()
    }

    /// Takes over what became of the first batch, which is done. The answer obeys the same rule as a frame, since a
    /// till does not hear its own.
    ///
    /// Only what this very commit wrote is taken from the answer. What was there before it is known or will be pulled;
    /// an answer that is given again may show a copy that has changed since, and does not say whether it is deleted.
    pub fn take_push(&mut self, answer: &PushResponse) -> Follow {
        let Some(batch) = self.queue.first() else { return Follow::Drop };
        let mut whole = true;
        // In the order of the request: a record may occur in it more than once.
        for (index, record) in batch.records.iter().enumerate() {
            if let Some(applied) = answer.applied.iter().find(|applied| applied.index == index) {
                whole &= self.take_applied(record, applied, answer);
            }
            if let Some(conflict) = answer.conflicts.iter().find(|conflict| conflict.index == index) {
                whole &= self.take_merged(conflict, answer);
            }
        }
        self.queue.note(answer);
        self.queue.done();
        match self.follow(answer.prev, answer.stamp) {
            Follow::Apply if whole => {
                self.position = answer.stamp;
                Follow::Apply
            }
            // Standing behind the commit, the till is shown all of it.
            Follow::Apply => Follow::Pull,
            followed => followed,
        }
    }

    /// The first batch was refused as too large: it becomes two, under the ids given.
    pub fn split_first(&mut self, ids: [String; 2]) -> Split {
        self.queue.split_first(ids)
    }

    /// The first batch was refused for good, for a reason that sending it again will not change.
    pub fn give_up_first(&mut self, code: &str, message: &str) {
        self.queue.give_up_first(code, message);
    }

    /// The cursor of the page to ask for next.
    pub fn cursor(&self) -> String {
        self.next.clone().unwrap_or_else(|| cursor(self.position))
    }

    /// Whether a snapshot is being walked.
    pub fn is_walking(&self) -> bool {
        self.walk.is_some()
    }

    /// Takes over a page.
    pub fn take_page(&mut self, page: &PullResponse) -> Taken {
        let snapshot = Walk::of(page);
        if let Some(id) = snapshot.filter(|&id| self.walk.as_ref().is_none_or(|walk| !walk.is(id))) {
            self.walk = Some(Walk::start(id));
        }
        let mut taken = Taken { more: page.has_more, news: Vec::new() };
        for (i, change) in page.changes.iter().enumerate() {
            let row = Row::from(change);
            let new = match (&mut self.walk, snapshot) {
                // What the server has replaces what the till believes, even what it believes is newer.
                (Some(walk), Some(_)) => walk.replace(&mut self.rows, change, row),
                _ => self.put(&change.table_name, &change.record_id, row),
            };
            taken.news.extend(new.then_some(i));
        }
        self.next = page.has_more.then(|| page.next_cursor.clone());
        if snapshot.is_none() {
            let walked = self.walk.is_some();
            self.position = if walked { page.stamp } else { self.position.max(page.stamp) };
        }
        if !page.has_more {
            self.position = if self.walk.is_some() { page.stamp } else { self.position.max(page.stamp) };
            self.end_walk();
        }
        taken
    }

    /// The tail of the snapshot that was walked is through: what nothing brought is swept.
    pub fn end_walk(&mut self) {
        if let Some(walk) = self.walk.take() {
            walk.sweep(&mut self.rows);
        }
    }

    /// Takes over a frame, if it is the next one.
    pub fn hear(&mut self, frame: &SyncFrame) -> (Follow, bool) {
        let followed = self.follow(frame.prev, frame.stamp);
        if followed != Follow::Apply {
            return (followed, false);
        }
        self.position = frame.stamp;
        (followed, self.put(&frame.table_name, &frame.record_id, Row::from(frame)))
    }

    /// Whether something that spans from `prev` to `stamp` is the next thing. While a snapshot is walked nothing
    /// is: its tail will bring it.
    fn follow(&self, prev: Stamp, stamp: Stamp) -> Follow {
        match &self.walk {
            Some(_) => Follow::Drop,
            None => follow(self.position, prev, stamp),
        }
    }

    /// False if what is stored is not shown.
    fn take_applied(&mut self, record: &PushRecord, applied: &AppliedRecord, answer: &PushResponse) -> bool {
        if applied.stamp <= answer.prev || applied.data_omitted {
            return !applied.data_omitted;
        }
        let (table, id) = (&record.table_name, &record.record_id);
        let sent = applied.data.as_ref().or(record.data.as_ref()).map(|data| data.as_str().to_owned());
        // A delete without data keeps the data that was there: that is what the server's tombstone holds.
        let kept = || self.rows.get(table, id).map(|known| known.data.clone());
        let row = Row {
            data: sent.or_else(kept).unwrap_or_else(|| "null".to_owned()),
            version: applied.version,
            stamp: applied.stamp,
            deleted: record.is_deleted,
        };
        self.put(table, id, row);
        true
    }

    /// A part of a write lost, and the rest was merged: that is what there is, and the write is kept for somebody to
    /// look at. False if the copy is missing, which happens where it did not fit the answer.
    fn take_merged(&mut self, conflict: &Conflict, answer: &PushResponse) -> bool {
        let written = conflict.server_updated_at.as_deref().and_then(|time| Timestamp::parse(time).ok());
        let Some(stamp) = written.map(|time| Stamp(time.0)) else { return true };
        // Given again, an answer shows the copy as it is by then, which another record of the batch may have written; that
        // one's outcome says what it is.
        let told = answer.applied.iter().any(|applied| applied.stamp == stamp);
        if told || stamp <= answer.prev || stamp > answer.stamp {
            return true;
        }
        let Some(data) = &conflict.server_data else { return false };
        let row =
            Row { data: data.as_str().to_owned(), version: conflict.server_version, stamp, deleted: false };
        self.put(&conflict.table_name, &conflict.record_id, row);
        true
    }

    fn put(&mut self, table: &str, id: &str, row: Row) -> bool {
        if let Some(walk) = &mut self.walk {
            walk.mark(table, id);
        }
        self.rows.set(table, id, row)
    }
}

#[cfg(test)]
mod tests;
