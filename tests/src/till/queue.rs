//! What a till has not pushed yet, and what became of what it has.

use std::collections::VecDeque;

use protocol::wire::push::{Conflict, PushRequest, PushResponse, RejectedRecord};

/// Batches in the order they were made. The first stays until it is answered, so a crash sends it again.
#[derive(Clone, Debug, Default)]
pub struct Queue {
    waiting: VecDeque<PushRequest>,
    /// Writes that lost, for somebody to look at.
    pub conflicts: Vec<Conflict>,
    /// Records that were rejected.
    pub errors: Vec<RejectedRecord>,
}

/// What became of a batch that was to be split.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Split {
    /// Two batches stand in its place.
    Done,
    /// It has one record, or is all or nothing.
    Impossible,
}

impl Queue {
    /// Puts a batch at the end.
    pub fn add(&mut self, batch: PushRequest) {
        self.waiting.push_back(batch);
    }

    /// The batch to send next.
    pub fn first(&self) -> Option<PushRequest> {
        self.waiting.front().cloned()
    }

    /// Forgets the first batch: it was answered.
    pub fn done(&mut self) {
        self.waiting.pop_front();
    }

    /// How many batches are waiting.
    pub fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Whether nothing is waiting.
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// The first batch is too large: cuts it in two, under new ids, since a batch id stands for its records.
    pub fn split_first(&mut self, [first, second]: [String; 2]) -> Split {
        let Some(batch) = self.waiting.pop_front_if(|batch| !batch.atomic && batch.records.len() > 1) else {
            return Split::Impossible;
        };
        let (left, right) = batch.records.split_at(batch.records.len() / 2);
        for (id, records) in [(second, right), (first, left)] {
            let batch_id = batch.batch_id.is_some().then_some(id);
            self.waiting.push_front(PushRequest { batch_id, records: records.to_vec(), ..batch.clone() });
        }
        Split::Done
    }

    /// Takes the first batch out and keeps its records as rejected, for somebody to look at: nothing may block the
    /// batches behind it.
    pub fn give_up_first(&mut self, code: &str, message: &str) {
        let Some(batch) = self.waiting.pop_front() else { return };
        self.errors.extend(batch.records.into_iter().enumerate().map(|(index, record)| RejectedRecord {
            index,
            table_name: Some(record.table_name),
            record_id: Some(record.record_id),
            code: code.to_owned(),
            message: message.to_owned(),
        }));
    }

    /// Keeps what an answer did not apply.
    pub fn note(&mut self, answer: &PushResponse) {
        self.conflicts.extend(answer.conflicts.iter().cloned());
        self.errors.extend(answer.errors.iter().cloned());
    }
}
