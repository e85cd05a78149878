//! Everything that happened in a run, in the order in which it took effect.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard};

use functions::dynamo::item::Item;
use protocol::error::ErrorCode;
use protocol::ids::Room;
use protocol::role::Role;
use protocol::stamp::Stamp;
use protocol::timestamp::Timestamp;
use serde_json::Value;
use sync::dead_letter_id::DeadLetterKey;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::api::ApiReply;
use super::carts::CartWrite;
use super::check::replays::ReplayCall;
use super::check::resolves::ResolveCall;
use super::coverage::Coverage;
use super::lock;
use super::release::Release;

/// A function call that pushes.
#[derive(Clone, Debug)]
pub(crate) struct PushCall {
    pub(crate) room: Room,
    pub(crate) role: Role,
    /// When it arrived, at the latest `now`.
    pub(crate) arrived_at: Timestamp,
    /// The function's time.
    pub(crate) now: Timestamp,
    /// The body as it was sent.
    pub(crate) body: String,
    pub(crate) release: Release,
}

/// The response to a pull of one room.
#[derive(Clone, Debug)]
pub(crate) struct PageReply {
    pub(crate) call: u64,
    pub(crate) room: Room,
    pub(crate) role: Role,
    pub(crate) release: Release,
    /// Whether the pull asked for a snapshot.
    pub(crate) is_snapshot_asked: bool,
    /// The positions that it spans.
    pub(crate) from: Stamp,
    pub(crate) to: Stamp,
    /// Its changes: table, id and stamp.
    pub(crate) changes: Vec<(String, String, Stamp)>,
}

/// Dead letters of one item that were replayed or discarded together.
#[derive(Clone, Debug)]
pub(crate) struct ClosedLetters {
    pub(crate) room: Room,
    pub(crate) item: DeadLetterKey,
    pub(crate) indexes: Vec<usize>,
}

/// A change to the tables.
#[derive(Clone, Debug)]
pub(crate) enum Event {
    /// A transaction was committed.
    Committed {
        call: u64,
        /// The items that it put.
        puts: Vec<Item>,
        /// The dead letters that it closed.
        closed: Vec<ClosedLetters>,
        /// The log items among them, as the stream has them.
        images: Vec<Value>,
    },
    /// An expired item was deleted.
    Expired { pk: String, sk: String },
    /// An item became unreadable.
    Damaged { pk: String, sk: String },
    /// The tables were copied.
    Copied,
    /// The tables were put back to the copy that is event number `copy`. No call up to number `calls` reaches
    /// them any more.
    Restored { copy: usize, calls: u64 },
}

/// A place in the order of events, and its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Moment {
    /// The number of events before it.
    pub(crate) events: usize,
    pub(crate) at: Instant,
}

/// The response to a push, whether or not it arrived.
#[derive(Clone, Debug)]
pub(crate) struct PushReply {
    pub(crate) call: u64,
    pub(crate) status: u16,
    /// The client's part of the body.
    pub(crate) body: String,
}

impl PushReply {
    /// Whether the push was refused. `busy` is no refusal: the push may be committed, if the response to the
    /// last attempt was lost.
    fn is_refusal(&self) -> bool {
        let body: Value = serde_json::from_str(&self.body).unwrap_or_default();
        let code = body.pointer("/error/code").and_then(Value::as_str);
        self.status != 200 && code != Some(ErrorCode::Busy.as_str())
    }
}

/// A violated invariant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Violation {
    /// The check that found it.
    pub(crate) check: &'static str,
    /// What is wrong.
    pub(crate) what: String,
}

impl std::fmt::Display for Violation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.check, self.what)
    }
}

#[derive(Debug, Default)]
pub(crate) struct EventLog {
    entries: Mutex<Entries>,
    /// Notified after each event.
    added: Notify,
}

#[derive(Debug, Default)]
pub(crate) struct Entries {
    /// The function calls that push, by number.
    pub(crate) calls: BTreeMap<u64, PushCall>,
    /// The call of the function that pushed them together, for pushes of a group, by their numbers.
    pub(crate) groups: BTreeMap<u64, u64>,
    /// Those that replay a dead letter.
    pub(crate) replays: BTreeMap<u64, ReplayCall>,
    /// Those that resolve a conflict.
    pub(crate) resolves: BTreeMap<u64, ResolveCall>,
    /// The responses to pushes, in order.
    pub(crate) replies: Vec<PushReply>,
    /// The responses to other requests than pushes, pulls and those about dead letters.
    pub(crate) api_replies: Vec<ApiReply>,
    /// The pages from the log of a room.
    pub(crate) pages: Vec<PageReply>,
    /// The changes to the tables, in order.
    pub(crate) events: Vec<Event>,
    /// When each of them took effect.
    pub(crate) times: Vec<Instant>,
    /// When the cache had invalidated what an event has changed, by its number.
    pub(crate) invalidated: BTreeMap<usize, Instant>,
    /// The changes to carts, in the order in which they were stored.
    pub(crate) cart_writes: Vec<CartWrite>,
    /// The number of requests to DynamoDB by action.
    pub(crate) requests: BTreeMap<String, u64>,
    /// What the responses reached.
    pub(crate) coverage: Coverage,
    /// What is wrong so far.
    pub(crate) violations: Vec<Violation>,
    /// A hash of everything that happened: equal runs have equal fingerprints.
    pub(crate) fingerprint: u64,
    /// Client tokens of committed transactions: a second transaction with the same token changes nothing.
    tokens: BTreeSet<String>,
    committed: BTreeSet<u64>,
    read_again: BTreeSet<u64>,
}

impl Entries {
    /// Whether a call has committed a transaction, or the group that it is part of.
    pub(crate) fn has_committed(&self, call: u64) -> bool {
        self.committed.contains(&self.function_call(call))
    }

    /// The calls that the function call `call` pushes: itself, or those of its group.
    pub(crate) fn pushes(&self, call: u64) -> Vec<(u64, PushCall)> {
        let pushes = self.calls.iter().filter(|(number, _)| self.function_call(**number) == call);
        pushes.map(|(number, push)| (*number, push.clone())).collect()
    }

    /// The calls that were refused.
    pub(crate) fn refused(&self) -> BTreeSet<u64> {
        self.replies.iter().filter(|reply| reply.is_refusal()).map(|reply| reply.call).collect()
    }

    fn function_call(&self, call: u64) -> u64 {
        self.groups.get(&call).copied().unwrap_or(call)
    }
}

impl EventLog {
    /// Locks the log. A caller must not hold two of these guards at once.
    pub(crate) fn entries(&self) -> MutexGuard<'_, Entries> {
        lock(&self.entries)
    }

    pub(crate) fn sent(&self, action: &str) {
        *self.entries().requests.entry(action.to_owned()).or_default() += 1;
    }

    pub(crate) fn event(&self, event: Event) {
        let mut entries = self.entries();
        if let Event::Committed { call, .. } = &event {
            entries.committed.insert(*call);
        }
        entries.events.push(event);
        entries.times.push(Instant::now());
        self.added.notify_waiters();
    }

    /// Notes a stored change to a cart.
    pub(crate) fn cart_write(&self, write: CartWrite) {
        self.entries().cart_writes.push(write);
        self.added.notify_waiters();
    }

    /// The present moment.
    pub(crate) fn moment(&self) -> Moment {
        Moment { events: self.entries().events.len(), at: Instant::now() }
    }

    /// Notes that a call received the items that it read for a write.
    pub(crate) fn read(&self, call: u64) {
        let mut entries = self.entries();
        if entries.committed.contains(&call) {
            entries.read_again.insert(call);
        }
    }

    /// Whether a call read again after it had committed, because the response to its commit was lost.
    pub(crate) fn has_read_again(&self, call: u64) -> bool {
        let entries = self.entries();
        entries.read_again.contains(&entries.function_call(call))
    }

    /// The events after the first `known`; waits until there are some.
    pub(crate) async fn events_after(&self, known: usize) -> Vec<Event> {
        self.after(|entries| entries.events.get(known..).unwrap_or_default().to_vec()).await
    }

    /// The changes to carts after the first `known`; waits until there are some.
    pub(crate) async fn cart_writes_after(&self, known: usize) -> Vec<CartWrite> {
        self.after(|entries| entries.cart_writes.get(known..).unwrap_or_default().to_vec()).await
    }

    async fn after<T>(&self, read: impl Fn(&Entries) -> Vec<T>) -> Vec<T> {
        loop {
            let found = read(&self.entries());
            if !found.is_empty() {
                return found;
            }
            self.added.notified().await;
        }
    }

    /// Whether a transaction with `token` is the first one.
    pub(crate) fn is_first(&self, token: &str) -> bool {
        self.entries().tokens.insert(token.to_owned())
    }

    /// Adds a violation that `check` found.
    pub(crate) fn violation(&self, check: &'static str, what: impl Into<String>) {
        self.entries().violations.push(Violation { check, what: what.into() });
    }

    /// Mixes `text` into the fingerprint (FNV-1a).
    pub(crate) fn trace(&self, text: &str) {
        let mut entries = self.entries();
        for byte in text.bytes() {
            entries.fingerprint = (entries.fingerprint ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
}
