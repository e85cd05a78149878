//! The queue of a room's writes: one write at a time, first come, first served.
//!
//! Writes to one room compete for its HEAD, and a write that loses is decided again. So they take turns here.
//! A turn only saves work: HEAD's condition decides, with or without one. The queue is in memory only: when
//! it is lost, waiting writes go on without a turn.

use std::collections::VecDeque;

use futures_channel::oneshot::{self, Receiver, Sender};
use protocol::limits::{SESSION_WRITES_MAX, WRITE_QUEUE_MAX, WRITE_TURN_MILLIS};
use protocol::timestamp::Timestamp;

/// Milliseconds within which a queued write must begin to wait. Later it has left, and its place is free.
const WAIT_BEGINS_MILLIS: u64 = 2_000;

/// A write in the queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Write {
    /// The id of its request.
    pub(super) id: String,
    /// The session, or the user, that sent it.
    pub(super) sender: String,
}

/// The answer to a write that enters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Entry {
    /// It has the turn.
    Granted,
    /// It has a place, and must wait for its turn.
    Queued,
    /// The queue is full, or the sender has as many writes in it as it may have.
    Refused,
}

/// The state of a write that waits.
#[derive(Debug)]
pub(super) enum WaitState {
    /// It has the turn.
    Granted,
    /// It has no turn yet: wait for the message, or ask again when the present turn expires.
    Waiting { turn: Receiver<()>, expires_at: Timestamp },
    /// It is not in the queue, which may have been lost.
    Unknown,
}

#[derive(Debug)]
struct Holder {
    write: Write,
    /// The lease: a holder that is lost blocks the others no longer than this.
    expires_at: Timestamp,
}

#[derive(Debug)]
struct Waiter {
    write: Write,
    entered_at: Timestamp,
    /// Wakes the request that waits; `None` until it does.
    turn: Option<Sender<()>>,
}

#[derive(Debug, Default)]
pub(super) struct WriteQueue {
    holder: Option<Holder>,
    waiters: VecDeque<Waiter>,
}

impl WriteQueue {
    /// Adds a write. It gets the turn at once if no other write has it or waits for it.
    pub(super) fn enter(&mut self, write: Write, now: Timestamp) -> Entry {
        self.advance(now);
        if self.holder.is_none() && self.waiters.is_empty() {
            self.grant(write, now);
            return Entry::Granted;
        }
        let writes = self.waiters.iter().map(|waiter| &waiter.write);
        let writes = writes.chain(self.holder.iter().map(|holder| &holder.write));
        let of_sender = writes.filter(|other| other.sender == write.sender).count();
        if of_sender >= SESSION_WRITES_MAX || self.waiters.len() >= WRITE_QUEUE_MAX {
            return Entry::Refused;
        }
        self.waiters.push_back(Waiter { write, entered_at: now, turn: None });
        Entry::Queued
    }

    /// The place of the write `id`, whose request waits from now on. Only a write that waits gets a turn.
    pub(super) fn wait(&mut self, id: &str, now: Timestamp) -> WaitState {
        let (sender, turn) = oneshot::channel();
        if let Some(waiter) = self.waiters.iter_mut().find(|waiter| waiter.write.id == id) {
            waiter.turn = Some(sender);
        }
        self.advance(now);
        match &self.holder {
            Some(holder) if holder.write.id == id => WaitState::Granted,
            Some(holder) if self.is_waiting(id) => WaitState::Waiting { turn, expires_at: holder.expires_at },
            _ => WaitState::Unknown,
        }
    }

    /// Ends the turn of the write `id`, or removes it from the queue.
    pub(super) fn leave(&mut self, id: &str, now: Timestamp) {
        self.holder.take_if(|holder| holder.write.id == id);
        self.waiters.retain(|waiter| waiter.write.id != id);
        self.advance(now);
    }

    fn is_waiting(&self, id: &str) -> bool {
        self.waiters.iter().any(|waiter| waiter.write.id == id)
    }

    /// Drops what has expired, and gives a free turn to the first write that waits.
    fn advance(&mut self, now: Timestamp) {
        self.holder.take_if(|holder| holder.expires_at <= now);
        self.waiters.retain(|waiter| match &waiter.turn {
            Some(turn) => !turn.is_canceled(),
            None => now < after(waiter.entered_at, WAIT_BEGINS_MILLIS),
        });
        if self.holder.is_some() {
            return;
        }
        let first = self.waiters.iter().position(|waiter| waiter.turn.is_some());
        if let Some(Waiter { write, turn, .. }) = first.and_then(|first| self.waiters.remove(first)) {
            self.grant(write, now);
            // A request that has just ended loses its turn by the lease.
            let _ = turn.map(|turn| turn.send(()));
        }
    }

    fn grant(&mut self, write: Write, now: Timestamp) {
        self.holder = Some(Holder { write, expires_at: after(now, WRITE_TURN_MILLIS) });
    }
}

/// The time `millis` milliseconds after `time`.
pub(super) fn after(time: Timestamp, millis: u64) -> Timestamp {
    Timestamp(time.0.saturating_add(millis * 1000))
}

#[cfg(test)]
mod tests;
