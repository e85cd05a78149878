//! The queue of a room's writes: one write at a time, first come, first served.
//!
//! Writes to one room compete for its HEAD, and a write that loses is decided again. So they take turns here.
//! A push that has the turn takes along the pushes that wait directly behind it: they are committed together.
//! A turn only saves work: HEAD's condition decides, with or without one. The queue is in memory only: when
//! it is lost, waiting writes go on without a turn.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use futures_channel::oneshot::{self, Receiver, Sender};
use protocol::limits::{
    GROUP_PUSHES_MAX, SESSION_WRITES_MAX, WRITE_QUEUE_MAX, WRITE_SECS_MAX, WRITE_TURN_MILLIS,
};
use protocol::timestamp::Timestamp;
use protocol::wire::push_group::{GroupedPush, GroupedResponse};
use serde::{Deserialize, Serialize};

/// Milliseconds within which a queued write must begin to wait. Later it has left, and its place is free.
const WAIT_BEGINS_MILLIS: u64 = 2_000;
/// Milliseconds for which a write may go on after the queue has lost sight of it: five seconds longer than a
/// function that writes may run.
const UNSEEN_MILLIS: u64 = (WRITE_SECS_MAX + 5) * 1000;

/// A write in the queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Write {
    /// The id of its request.
    pub(super) id: String,
    /// The session, or the user, that sent it.
    pub(super) sender: String,
}

/// A push that may be committed together with others.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct WaitingPush {
    /// The device that pushes. Two pushes of a device are never committed together.
    pub(crate) device: String,
    pub(crate) push: GroupedPush,
}

/// What ends the wait of a write.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Wake {
    /// Its turn came.
    Turn,
    /// It was pushed together with others, and answered.
    Answer(GroupedResponse),
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
    Waiting { wake: Receiver<Wake>, expires_at: Timestamp },
    /// It is not in the queue, which may have been lost.
    Unknown,
}

#[derive(Debug)]
struct Holder {
    write: Write,
    /// The device of its push, if that may be committed together with others.
    device: Option<String>,
    /// The lease: a holder that is lost blocks the others no longer than this.
    expires_at: Timestamp,
    granted_at: Timestamp,
    /// The waiting pushes that it took along.
    group: Vec<Waiter>,
}

#[derive(Debug)]
struct Waiter {
    write: Write,
    entered_at: Timestamp,
    /// Wakes the request that waits; `None` until it does.
    wake: Option<Sender<Wake>>,
    /// The push, if it may be committed together with others.
    push: Option<WaitingPush>,
}

#[derive(Debug, Default)]
pub(super) struct WriteQueue {
    holder: Option<Holder>,
    waiters: VecDeque<Waiter>,
    /// Until then a write may be under way that the queue does not know.
    unseen_until: Option<Timestamp>,
}

impl WriteQueue {
    /// The queue of a room that starts at `now`. It may have lost another queue, with a write under way.
    pub(super) fn starting(now: Timestamp) -> WriteQueue {
        WriteQueue { unseen_until: Some(after(now, UNSEEN_MILLIS)), ..WriteQueue::default() }
    }

    /// Whether no write is under way, as far as writes come through the queue.
    pub(super) fn is_quiet(&mut self, now: Timestamp) -> bool {
        self.advance(now);
        let is_seen = self.unseen_until.is_none_or(|until| until <= now);
        is_seen && self.holder.is_none() && self.waiters.is_empty()
    }

    /// When the write `id` got its turn; `None` if it has none.
    pub(super) fn granted_at(&self, id: &str) -> Option<Timestamp> {
        self.holder.as_ref().filter(|holder| holder.write.id == id).map(|holder| holder.granted_at)
    }

    /// Like [`leave`](Self::leave), for a write that may still be under way.
    pub(super) fn lose(&mut self, id: &str, now: Timestamp) {
        self.unseen_until = Some(after(now, UNSEEN_MILLIS));
        self.leave(id, now);
    }

    /// Adds a write. It gets the turn at once if no other write has it or waits for it.
    pub(super) fn enter(&mut self, write: Write, now: Timestamp) -> Entry {
        self.advance(now);
        if self.holder.is_none() && self.waiters.is_empty() {
            self.grant(write, None, now);
            return Entry::Granted;
        }
        let writes = self.waiters.iter().chain(self.group()).map(|waiter| &waiter.write);
        let writes = writes.chain(self.holder.iter().map(|holder| &holder.write));
        let of_sender = writes.filter(|other| other.sender == write.sender).count();
        let waiting = self.waiters.len() + self.group().count();
        if of_sender >= SESSION_WRITES_MAX || waiting >= WRITE_QUEUE_MAX {
            return Entry::Refused;
        }
        self.waiters.push_back(Waiter { write, entered_at: now, wake: None, push: None });
        Entry::Queued
    }

    /// Lets the write `id`, which waits, be committed together with others.
    pub(super) fn offer(&mut self, id: &str, push: WaitingPush) {
        if let Some(waiter) = self.waiters.iter_mut().find(|waiter| waiter.write.id == id) {
            waiter.push = Some(push);
        }
    }

    /// The place of the write `id`, whose request waits from now on. Only a write that waits gets a turn.
    pub(super) fn wait(&mut self, id: &str, now: Timestamp) -> WaitState {
        let (sender, wake) = oneshot::channel();
        let group = self.holder.iter_mut().flat_map(|holder| &mut holder.group);
        let waiter = self.waiters.iter_mut().chain(group).find(|waiter| waiter.write.id == id);
        if let Some(waiter) = waiter {
            waiter.wake = Some(sender);
        }
        self.advance(now);
        match &self.holder {
            Some(holder) if holder.write.id == id => WaitState::Granted,
            Some(holder) if self.is_waiting(id) => WaitState::Waiting { wake, expires_at: holder.expires_at },
            _ => WaitState::Unknown,
        }
    }

    /// The pushes that the write `id`, which has the turn, takes along: those that wait directly behind it.
    /// They stay in the queue until it has finished.
    pub(super) fn take_along(&mut self, id: &str) -> Vec<GroupedPush> {
        let Some(holder) = self.holder.as_mut().filter(|holder| holder.write.id == id) else {
            return Vec::new();
        };
        let Some(device) = holder.device.clone() else { return Vec::new() };
        let (mut devices, mut place) = (BTreeSet::from([device]), 0);
        while holder.group.len() + 1 < GROUP_PUSHES_MAX
            && let Some(waiter) = self.waiters.get(place)
        {
            match &waiter.push {
                // Its request does not wait yet, or no longer.
                _ if waiter.wake.as_ref().is_none_or(Sender::is_canceled) => place += 1,
                // The first write that cannot be taken along ends the group, so that none overtakes another.
                Some(push) if devices.insert(push.device.clone()) => {
                    holder.group.extend(self.waiters.remove(place));
                }
                _ => break,
            }
        }
        holder.group.iter().filter_map(|waiter| Some(waiter.push.as_ref()?.push.clone())).collect()
    }

    /// Ends the turn of the write `id`, and answers the pushes that it took along by the ids of their
    /// requests. Those without an answer come next.
    pub(super) fn finish(
        &mut self,
        id: &str,
        mut answers: BTreeMap<String, GroupedResponse>,
        now: Timestamp,
    ) {
        if let Some(holder) = self.holder.take_if(|holder| holder.write.id == id) {
            self.put_back(holder.group);
        }
        // Also if the lease was over: those that still wait need not push again.
        self.waiters.retain_mut(|waiter| match answers.remove(&waiter.write.id) {
            Some(answer) => {
                // A request that has just ended is answered when it is sent again.
                let _ = waiter.wake.take().map(|wake| wake.send(Wake::Answer(answer)));
                false
            }
            None => true,
        });
        self.advance(now);
    }

    /// Ends the turn of the write `id`, or removes it from the queue.
    pub(super) fn leave(&mut self, id: &str, now: Timestamp) {
        if let Some(holder) = self.holder.take_if(|holder| holder.write.id == id) {
            self.put_back_alone(holder.group);
        }
        self.waiters.retain(|waiter| waiter.write.id != id);
        if let Some(holder) = &mut self.holder {
            holder.group.retain(|waiter| waiter.write.id != id);
        }
        self.advance(now);
    }

    fn group(&self) -> impl Iterator<Item = &Waiter> {
        self.holder.iter().flat_map(|holder| &holder.group)
    }

    fn is_waiting(&self, id: &str) -> bool {
        self.waiters.iter().chain(self.group()).any(|waiter| waiter.write.id == id)
    }

    /// The writes come next, in their order.
    fn put_back(&mut self, group: Vec<Waiter>) {
        group.into_iter().rev().for_each(|waiter| self.waiters.push_front(waiter));
    }

    /// The same for a group that failed: one of them may be the cause, so each is pushed alone.
    fn put_back_alone(&mut self, mut group: Vec<Waiter>) {
        group.iter_mut().for_each(|waiter| waiter.push = None);
        self.put_back(group);
    }

    /// Drops what has expired, and gives a free turn to the first write that waits.
    fn advance(&mut self, now: Timestamp) {
        let mut lost_any = false;
        if let Some(lost) = self.holder.take_if(|holder| holder.expires_at <= now) {
            self.put_back_alone(lost.group);
            lost_any = true;
        }
        self.waiters.retain(|waiter| {
            let waits = match &waiter.wake {
                Some(wake) => !wake.is_canceled(),
                None => now < after(waiter.entered_at, WAIT_BEGINS_MILLIS),
            };
            lost_any |= !waits;
            waits
        });
        if lost_any {
            self.unseen_until = Some(after(now, UNSEEN_MILLIS));
        }
        if self.holder.is_some() {
            return;
        }
        let first = self.waiters.iter().position(|waiter| waiter.wake.is_some());
        if let Some(Waiter { write, wake, push, .. }) = first.and_then(|first| self.waiters.remove(first)) {
            self.grant(write, push.map(|push| push.device), now);
            // A request that has just ended loses its turn by the lease.
            let _ = wake.map(|wake| wake.send(Wake::Turn));
        }
    }

    fn grant(&mut self, write: Write, device: Option<String>, now: Timestamp) {
        let expires_at = after(now, WRITE_TURN_MILLIS);
        self.holder = Some(Holder { write, device, expires_at, granted_at: now, group: Vec::new() });
    }
}

/// The time `millis` milliseconds after `time`.
pub(super) fn after(time: Timestamp, millis: u64) -> Timestamp {
    Timestamp(time.0.saturating_add(millis * 1000))
}

#[cfg(test)]
mod tests;
