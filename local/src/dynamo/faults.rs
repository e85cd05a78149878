//! What goes wrong between a function and DynamoDB, on demand, and what was counted there.
//!
//! Tests share one stack, so everything is scoped by a text in the request's body: `ROOM#c17#` is one
//! tenant's rooms.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// One way to fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The connection is refused: the request never arrives.
    Refused,
    /// The request is executed, and the connection breaks before the answer.
    LostAnswer,
    /// Another transaction holds one of the items.
    TransactionConflict,
    /// The partition has had enough.
    Throttled,
}

/// The action that stands for all.
pub const ANY_ACTION: &str = "*";

/// Planned faults and counts. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct Faults(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    planned: Vec<Planned>,
    watched: Vec<(String, Counts)>,
    denied: Vec<String>,
    sent: Counts,
}

#[derive(Debug)]
struct Planned {
    scope: String,
    action: String,
    fault: Fault,
    left: u32,
}

/// Requests per action; shared by the watch that reads them and the connector that counts.
#[derive(Debug, Clone, Default)]
struct Counts(Arc<Mutex<BTreeMap<String, u64>>>);

/// Counts the requests of a scope from the moment it was made. Attempts count, so the SDK's retries do.
#[derive(Debug)]
pub struct Watch(Counts);

impl Faults {
    /// The next `times` requests for `action` (or [`ANY_ACTION`]) whose body contains `scope` fail. Remember
    /// that the SDK tries three times before it gives up on what looks transient.
    pub fn inject(&self, scope: &str, action: &str, fault: Fault, times: u32) {
        let planned = Planned { scope: scope.to_owned(), action: action.to_owned(), fault, left: times };
        lock(&self.0).planned.push(planned);
    }

    /// Takes back what was planned for `scope`.
    pub fn clear(&self, scope: &str) {
        lock(&self.0).planned.retain(|planned| planned.scope != scope);
    }

    /// Counts the requests whose body contains `scope`.
    pub fn watch(&self, scope: &str) -> Watch {
        let counts = Counts::default();
        lock(&self.0).watched.push((scope.to_owned(), counts.clone()));
        Watch(counts)
    }

    /// Requests for `action` since the start, whoever sent them and whatever became of them.
    pub fn sent(&self, action: &str) -> u64 {
        lock(&lock(&self.0).sent.0).get(action).copied().unwrap_or_default()
    }

    /// Calls that a role did not allow, one sentence each. In a sound system there are none.
    pub fn denied(&self) -> Vec<String> {
        lock(&self.0).denied.clone()
    }

    pub(super) fn deny(&self, sentence: String) {
        tracing::error!("{sentence}");
        lock(&self.0).denied.push(sentence);
    }

    /// Counts the request, and says how it is to fail.
    pub(super) fn meet(&self, action: &str, body: &str) -> Option<Fault> {
        let mut state = lock(&self.0);
        // A watch that was dropped holds its counts no longer.
        state.watched.retain(|(_, counts)| Arc::strong_count(&counts.0) > 1);
        let watched = state.watched.iter().filter(|(scope, _)| body.contains(scope));
        for counts in watched.map(|(_, counts)| counts).chain([&state.sent]) {
            *lock(&counts.0).entry(action.to_owned()).or_default() += 1;
        }
        let hits = |planned: &Planned| {
            (planned.action == ANY_ACTION || planned.action == action) && body.contains(&planned.scope)
        };
        let planned = state.planned.iter_mut().find(|planned| hits(planned))?;
        let fault = planned.fault;
        planned.left = planned.left.saturating_sub(1);
        state.planned.retain(|planned| planned.left > 0);
        Some(fault)
    }
}

impl Watch {
    /// Requests for `action` so far.
    pub fn count(&self, action: &str) -> u64 {
        lock(&self.0.0).get(action).copied().unwrap_or_default()
    }

    /// Requests of any kind so far.
    pub fn total(&self) -> u64 {
        lock(&self.0.0).values().sum()
    }
}

/// A test that failed while it held the lock leaves the state as sound as any other.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
