//! The batches that a till has not pushed yet, and the records that were not applied.

use std::collections::VecDeque;

use protocol::wire::push::{Conflict, PushRequest, PushResponse, RejectedRecord};

/// Batches in order. The first one stays until it is answered, so that it is sent again after a crash.
#[derive(Clone, Debug, Default)]
pub struct Queue {
    waiting: VecDeque<PushRequest>,
    /// Whether the first batch was sent: the next response is its own.
    is_sent: bool,
    /// Conflicts, for a person to resolve.
    pub conflicts: Vec<Conflict>,
    /// Rejected records.
    pub errors: Vec<RejectedRecord>,
}

/// The result of a split.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Split {
    /// Two batches replace the first one.
    Done,
    /// The first batch has a single record or is atomic.
    Impossible,
}

impl Queue {
    /// Adds a batch at the end.
    pub fn add(&mut self, batch: PushRequest) {
        self.waiting.push_back(batch);
    }

    /// Adds batches in front of all that were not sent, in their order.
    pub fn add_unsent_first(&mut self, batches: impl DoubleEndedIterator<Item = PushRequest>) {
        let sent = self.waiting.pop_front_if(|_| self.is_sent);
        batches.rev().chain(sent).for_each(|batch| self.waiting.push_front(batch));
    }

    /// The batch to send now. It stays the first one until it is answered.
    pub fn send_first(&mut self) -> Option<PushRequest> {
        self.is_sent = !self.waiting.is_empty();
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

    /// Splits the first batch, which is too large, into two with new ids. A batch id stands for its exact
    /// records.
    pub fn split_first(&mut self, [first, second]: [String; 2]) -> Split {
        let Some(batch) = self.waiting.pop_front_if(|batch| !batch.atomic && batch.records.len() > 1) else {
            return Split::Impossible;
        };
        self.is_sent = false;
        let (left, right) = batch.records.split_at(batch.records.len() / 2);
        for (id, records) in [(second, right), (first, left)] {
            let batch_id = batch.batch_id.is_some().then_some(id);
            self.waiting.push_front(PushRequest { batch_id, records: records.to_vec(), ..batch.clone() });
        }
        Split::Done
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
        }));
    }
}
