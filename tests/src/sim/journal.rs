//! What happened in a run, in the order in which it took effect.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use functions::dynamo::item::Item;
use protocol::ids::Room;
use protocol::role::Role;
use protocol::timestamp::Timestamp;
use tokio::sync::Notify;

use super::lock;

/// A function call that pushes.
#[derive(Clone, Debug)]
pub struct Call {
    /// Whose call it is.
    pub room: Room,
    /// Who pushes, as the token says.
    pub role: Role,
    /// The function's own idea of the time.
    pub now: Timestamp,
    /// The body as it was sent.
    pub body: String,
}

/// Something that took effect in the tables.
#[derive(Clone, Debug)]
pub enum Event {
    /// A transaction of the call with this number.
    Committed {
        /// The call.
        call: u64,
        /// What was put.
        puts: Vec<Item>,
        /// The keys (`pk`, `sk`) of what was deleted.
        deletes: Vec<(String, String)>,
    },
    /// An expired item was deleted, at this time.
    Swept {
        /// Its partition.
        pk: String,
        /// Its sort key.
        sk: String,
    },
}

/// The answer that a function gave, whether or not anybody heard it.
#[derive(Clone, Debug)]
pub struct Answered {
    /// The call.
    pub call: u64,
    /// The HTTP status.
    pub status: u16,
    /// The client's part of the body.
    pub body: String,
}

/// Something that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The check that noticed.
    pub check: &'static str,
    /// What it noticed.
    pub what: String,
}

impl std::fmt::Display for Finding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.check, self.what)
    }
}

/// The record of a run.
#[derive(Debug, Default)]
pub struct Journal {
    state: Mutex<State>,
    /// Rung when something took effect.
    bell: Notify,
}

#[derive(Debug, Default)]
struct State {
    calls: BTreeMap<u64, Call>,
    answers: Vec<Answered>,
    events: Vec<Event>,
    /// The tokens of transactions that were committed: a second one with the same token changes nothing.
    tokens: BTreeSet<String>,
    /// The calls that committed, and those that were handed what they read after that.
    committed: BTreeSet<u64>,
    read_again: BTreeSet<u64>,
    sent: BTreeMap<String, u64>,
    findings: Vec<Finding>,
    trace: u64,
}

impl Journal {
    /// Notes that a call begins.
    pub fn called(&self, number: u64, call: Call) {
        lock(&self.state).calls.insert(number, call);
    }

    /// Notes what a function answered.
    pub fn answered(&self, answered: Answered) {
        lock(&self.state).answers.push(answered);
    }

    /// Counts a request to DynamoDB.
    pub fn sent(&self, action: &str) {
        *lock(&self.state).sent.entry(action.to_owned()).or_default() += 1;
    }

    /// Notes something that took effect.
    pub fn event(&self, event: Event) {
        if let Event::Committed { call, .. } = &event {
            lock(&self.state).committed.insert(*call);
        }
        lock(&self.state).events.push(event);
        self.bell.notify_one();
    }

    /// Notes that a call is handed what it asked to read for a write.
    pub fn read(&self, call: u64) {
        let mut state = lock(&self.state);
        if state.committed.contains(&call) {
            state.read_again.insert(call);
        }
    }

    /// Whether a call read once more after it had committed, because it did not hear that it had.
    pub fn has_read_again(&self, call: u64) -> bool {
        lock(&self.state).read_again.contains(&call)
    }

    /// What took effect after the first `known` events; waits until there is something.
    pub async fn events_after(&self, known: usize) -> Vec<Event> {
        loop {
            let events = lock(&self.state).events.get(known..).unwrap_or_default().to_vec();
            if !events.is_empty() {
                return events;
            }
            self.bell.notified().await;
        }
    }

    /// Whether a transaction with `token` is the first.
    pub fn is_first(&self, token: &str) -> bool {
        lock(&self.state).tokens.insert(token.to_owned())
    }

    /// Notes that something is wrong, and which check noticed.
    pub fn find(&self, check: &'static str, what: impl Into<String>) {
        lock(&self.state).findings.push(Finding { check, what: what.into() });
    }

    /// Mixes what just happened into the run's trace: equal traces are equal runs (FNV-1a).
    pub fn trace(&self, text: &str) {
        let mut state = lock(&self.state);
        for byte in text.bytes() {
            state.trace = (state.trace ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    /// What the run amounts to so far.
    pub fn fingerprint(&self) -> u64 {
        lock(&self.state).trace
    }

    /// The calls by number.
    pub fn calls(&self) -> BTreeMap<u64, Call> {
        lock(&self.state).calls.clone()
    }

    /// The answers in the order in which they were given.
    pub fn answers(&self) -> Vec<Answered> {
        lock(&self.state).answers.clone()
    }

    /// What took effect, in order.
    pub fn events(&self) -> Vec<Event> {
        lock(&self.state).events.clone()
    }

    /// The requests to DynamoDB, per action.
    pub fn requests(&self) -> BTreeMap<String, u64> {
        lock(&self.state).sent.clone()
    }

    /// What is wrong.
    pub fn findings(&self) -> Vec<Finding> {
        lock(&self.state).findings.clone()
    }
}
