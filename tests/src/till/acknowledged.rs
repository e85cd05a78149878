//! The batches that a till pushed and the server acknowledged. A server that was put back from a copy has
//! lost some of them, and the till offers them again.

use std::collections::VecDeque;

use protocol::stamp::Stamp;
use protocol::wire::push::{PushRequest, PushResponse};

use super::rows::Rows;

/// How long an acknowledged batch is kept: as far back as DynamoDB's point-in-time recovery reaches. A batch
/// id is known for longer, so an offer never applies a batch twice.
pub const ACKNOWLEDGED_MICROS: u64 = 35 * 24 * 3600 * 1_000_000;
/// Maximum number of batches that are kept; the oldest goes first.
pub const ACKNOWLEDGED_BATCHES_MAX: usize = 10_000;

/// Acknowledged batches in the order of their commits.
#[derive(Clone, Debug, Default)]
pub struct Acknowledged(VecDeque<Batch>);

#[derive(Clone, Debug)]
struct Batch {
    request: PushRequest,
    /// The room's position after the commit.
    stamp: Stamp,
    /// The records that the batch wrote: table, id and stamp.
    wrote: Vec<(String, String, Stamp)>,
    /// Whether its commit is known to be of the same history as those before it.
    continues: bool,
}

impl Acknowledged {
    /// Keeps `request` after its `response`. A repeated batch keeps one entry, at its latest commit.
    /// `continues`: the response followed the till's position.
    pub fn add(&mut self, request: &PushRequest, response: &PushResponse, continues: bool) {
        if request.batch_id.is_some() {
            self.0.retain(|known| known.request.batch_id != request.batch_id);
        }
        // Without a batch id, sending a batch again is not exactly-once. An atomic batch that was not applied
        // waits for a person.
        if request.batch_id.is_none() || !response.success {
            return;
        }
        let wrote = response.applied.iter().filter(|applied| applied.stamp > response.prev);
        let wrote = wrote
            .map(|applied| (applied.table_name.clone(), applied.record_id.clone(), applied.stamp))
            .collect();
        self.0.push_back(Batch { request: request.clone(), stamp: response.stamp, wrote, continues });
        let oldest = response.stamp.0.saturating_sub(ACKNOWLEDGED_MICROS);
        while self.0.len() > ACKNOWLEDGED_BATCHES_MAX
            || self.0.front().is_some_and(|batch| batch.stamp.0 < oldest)
        {
            self.0.pop_front();
        }
    }

    /// A page of the log continued at the till's position: every batch so far is of one history.
    pub fn confirm(&mut self) {
        self.0.iter_mut().for_each(|batch| batch.continues = true);
    }

    /// Takes the batches that the server may have lost, given the `rows` of a complete snapshot.
    ///
    /// A copy holds every commit up to its moment and none after it. So in one history everything before a
    /// batch that is surely there is there too. A batch that was answered since the last page of the log may
    /// be of the restored room, and says nothing about those before it.
    pub fn take_lost(&mut self, rows: &Rows) -> impl DoubleEndedIterator<Item = PushRequest> {
        let old = self.0.iter().take_while(|batch| batch.continues).count();
        let there = self.0.iter().take(old).rposition(|batch| batch.is_surely_there(rows));
        let there = there.map_or(0, |index| index + 1);
        let (kept, lost): (Vec<_>, Vec<_>) = std::mem::take(&mut self.0)
            .into_iter()
            .enumerate()
            .partition(|(at, batch)| *at < there || batch.is_surely_there(rows));
        self.0 = kept.into_iter().map(|(_, batch)| batch).collect();
        self.confirm();
        lost.into_iter().map(|(_, batch)| batch.request)
    }
}

impl Batch {
    /// Whether a record still has the stamp that the batch gave it. A record that another batch wrote later
    /// says nothing.
    fn is_surely_there(&self, rows: &Rows) -> bool {
        self.wrote.iter().any(|(table, id, stamp)| rows.get(table, id).is_some_and(|row| row.stamp == *stamp))
    }
}
