//! What a till has not pushed yet, and what became of what it has.

use std::collections::VecDeque;

use shared::protocol::push::{ConflictBody, PushAnswer, PushBody, RecordError};

/// Batches in the order they were made. The first stays until it is answered, so a crash sends it again.
#[derive(Default)]
pub struct Queue {
    waiting: VecDeque<PushBody>,
    /// Writes that lost, for somebody to look at.
    pub conflicts: Vec<ConflictBody>,
    /// Records that were rejected.
    pub errors: Vec<RecordError>,
}

impl Queue {
    /// Puts a batch at the end.
    pub fn add(&mut self, batch: PushBody) {
        self.waiting.push_back(batch);
    }

    /// The batch to send next.
    pub fn first(&self) -> Option<PushBody> {
        self.waiting.front().cloned()
    }

    /// Forgets the first batch: it was answered.
    pub fn done(&mut self) {
        self.waiting.pop_front();
    }

    /// Keeps what an answer did not apply.
    pub fn note(&mut self, answer: &PushAnswer) {
        self.conflicts.extend(answer.conflicts.iter().cloned());
        self.errors.extend(answer.errors.iter().cloned());
    }
}
