//! The batches that a till has not pushed yet, and the records that were not applied.

use std::collections::{BTreeSet, VecDeque};

use protocol::wire::push::{Conflict, PushRecord, PushRequest, PushResponse, RejectedRecord};

/// Batches in order. The first one stays until it is answered, so that it is sent again after a crash.
#[derive(Clone, Debug, Default)]
pub struct Queue {
    waiting: VecDeque<PushRequest>,
    /// Whether the first batch was sent: the next response is its own.
    is_sent: bool,
    /// The number of the last batch that was sent for the first time.
    seq: u64,
    /// Conflicts, for a person to resolve.
    pub conflicts: Vec<Conflict>,
    /// Rejected records.
    pub errors: Vec<RejectedRecord>,
    /// Batches whose records the server would reject and cannot keep.
    aside: Vec<PushRequest>,
}

/// The result of a split.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Split {
    /// Two batches replace the first one.
    Done,
    /// The first batch has a single record or group, or is atomic.
    Impossible,
}

impl Queue {
    /// Counts the batches from `number` on. A new installation begins at a random one, which no earlier
    /// installation of the device comes near.
    pub fn count_from(&mut self, number: u64) {
        self.seq = number;
    }

    /// Adds a batch at the end.
    pub fn add(&mut self, batch: PushRequest) {
        self.waiting.push_back(batch);
    }

    /// Adds batches in front of all that were not sent, in their order.
    pub fn add_unsent_first(&mut self, batches: impl DoubleEndedIterator<Item = PushRequest>) {
        let sent = self.waiting.pop_front_if(|_| self.is_sent);
        batches.rev().chain(sent).for_each(|batch| self.waiting.push_front(batch));
    }

    /// The batch to send now. It stays the first one until it is answered, under the number that it gets when
    /// it is first sent.
    pub fn send_first(&mut self) -> Option<PushRequest> {
        self.is_sent = !self.waiting.is_empty();
        if let Some(batch) = self.waiting.front_mut().filter(|batch| batch.device_seq.is_none()) {
            self.seq += 1;
            batch.device_seq = Some(self.seq);
        }
        self.first()
    }

    /// The first batch.
    pub fn first(&self) -> Option<PushRequest> {
        self.waiting.front().cloned()
    }

    /// Removes the first batch after its response, and keeps the records that were not applied.
    pub fn finish_first(&mut self, response: &PushResponse) {
        self.is_sent = false;
        self.waiting.pop_front();
        self.conflicts.extend(response.conflicts.iter().cloned());
        self.errors.extend(response.errors.iter().cloned());
    }

    /// The batches in order.
    pub fn iter(&self) -> impl Iterator<Item = &PushRequest> {
        self.waiting.iter()
    }

    /// The batches that wait.
    pub fn waiting_mut(&mut self) -> impl Iterator<Item = &mut PushRequest> {
        self.waiting.iter_mut()
    }

    /// Number of batches.
    pub fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Whether there are no batches.
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Splits the first batch, which is too large, into two with new ids, and no group. A batch id stands for
    /// its exact records. The first half takes the number of the batch, which was refused, so that the server
    /// misses none.
    pub fn split_first(&mut self, [first, second]: [String; 2]) -> Split {
        self.is_sent = false;
        let place =
            self.waiting.front().filter(|batch| !batch.atomic).and_then(|batch| middle(&batch.records));
        let Some((batch, place)) = place.and_then(|place| Some((self.waiting.pop_front()?, place))) else {
            return Split::Impossible;
        };
        let (left, right) = batch.records.split_at(place);
        for (id, device_seq, records) in [(second, None, right), (first, batch.device_seq, left)] {
            let batch_id = batch.batch_id.is_some().then_some(id);
            let records = records.to_vec();
            self.waiting.push_front(PushRequest { batch_id, device_seq, records, ..batch.clone() });
        }
        Split::Done
    }

    /// Takes the records at `indexes` out of the first batch, which the branch cannot keep, so that the rest
    /// of it and the batches behind it go on.
    pub fn set_aside(&mut self, indexes: &[usize], [rest, aside]: [String; 2]) {
        let Some(batch) = self.waiting.pop_front() else { return };
        self.is_sent = false;
        let part = |id: String, is_aside: bool| {
            let records = batch.records.iter().enumerate();
            let records = records.filter(|(index, _)| indexes.contains(index) == is_aside);
            let batch_id = batch.batch_id.is_some().then_some(id);
            let records = records.map(|(_, record)| record.clone()).collect();
            // What waits keeps its number: later batches must not count as earlier ones.
            let device_seq = batch.device_seq.filter(|_| is_aside);
            PushRequest { batch_id, device_seq, records, ..batch.clone() }
        };
        self.aside.push(part(aside, true));
        let rest = part(rest, false);
        if !rest.records.is_empty() {
            self.waiting.push_front(rest);
        }
    }

    /// Offers what was set aside again, behind all other batches.
    pub fn offer_aside(&mut self) {
        self.waiting.extend(self.aside.drain(..));
    }

    /// Removes the first batch and keeps its records as rejected, so that it does not block the batches
    /// behind it.
    pub fn give_up_first(&mut self, code: &str, message: &str) {
        self.is_sent = false;
        let Some(batch) = self.waiting.pop_front() else { return };
        self.errors.extend(batch.records.into_iter().enumerate().map(|(index, record)| RejectedRecord {
            index,
            table_name: Some(record.table_name),
            record_id: Some(record.record_id),
            code: code.to_owned(),
            message: message.to_owned(),
            ..RejectedRecord::default()
        }));
    }
}

/// The place nearest to the middle at which `records` can be split without a group on both sides.
fn middle(records: &[PushRecord]) -> Option<usize> {
    let groups = |records: &[PushRecord]| -> BTreeSet<String> {
        records.iter().filter_map(|record| record.group.clone()).collect()
    };
    let is_between_groups = |place: &usize| {
        let (left, right) = records.split_at(*place);
        groups(left).is_disjoint(&groups(right))
    };
    let places = (1..records.len()).filter(is_between_groups);
    places.min_by_key(|place| place.abs_diff(records.len() / 2))
}

#[cfg(test)]
mod tests;
