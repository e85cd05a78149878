//! Faults between a function and DynamoDB, planned by tests, and counts of requests.
//!
//! Tests share one stack, so a fault has a scope: a text in the request's body, such as `ROOM#c17#` for the
//! rooms of one tenant.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::fault_plan::FaultPlan;

/// How a request fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The connection is refused: the request never arrives.
    Refused,
    /// The request is executed, and the connection breaks before the response.
    LostResponse,
    /// Another transaction holds one of the items.
    TransactionConflict,
    /// The partition's throughput is exceeded.
    Throttled,
}

/// Stands for every action.
pub const ANY_ACTION: &str = "*";

/// Planned faults and counts. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct Faults(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    plan: FaultPlan<Target, Fault>,
    delays: BTreeMap<String, Duration>,
    watched: Vec<(String, Watch)>,
    denied: Vec<String>,
    sent: Watch,
}

/// The requests that a fault applies to.
#[derive(Debug)]
struct Target {
    scope: String,
    action: String,
}

/// Requests per action: of a scope since this value was made, or all. The SDK's retries count as well. Clones
/// share the counts.
#[derive(Debug, Clone, Default)]
pub struct Watch(Arc<Mutex<BTreeMap<String, u64>>>);

impl Faults {
    /// The next `times` requests for `action` (or [`ANY_ACTION`]) whose body contains `scope` fail. The SDK
    /// makes three attempts when an error looks transient.
    pub fn inject(&self, scope: &str, action: &str, fault: Fault, times: u32) {
        let target = Target { scope: scope.to_owned(), action: action.to_owned() };
        lock(&self.0).plan.add(target, fault, times);
    }

    /// From now on, each request whose body contains `scope` takes `delay` longer, as over a network.
    pub fn delay(&self, scope: &str, delay: Duration) {
        lock(&self.0).delays.insert(scope.to_owned(), delay);
    }

    /// Removes the faults and the delay that were planned for `scope`.
    pub fn clear(&self, scope: &str) {
        let mut state = lock(&self.0);
        state.plan.remove(|target| target.scope == scope);
        state.delays.remove(scope);
    }

    /// Counts the requests whose body contains `scope`.
    pub fn watch(&self, scope: &str) -> Watch {
        let watch = Watch::default();
        lock(&self.0).watched.push((scope.to_owned(), watch.clone()));
        watch
    }

    /// All requests for `action` since the start, failed ones included.
    pub fn sent(&self, action: &str) -> u64 {
        lock(&self.0).sent.count(action)
    }

    /// Calls that a role did not allow, one sentence each. Tests assert that there are none.
    pub fn denied(&self) -> Vec<String> {
        lock(&self.0).denied.clone()
    }

    pub(super) fn deny(&self, sentence: String) {
        tracing::error!("{sentence}");
        lock(&self.0).denied.push(sentence);
    }

    /// The delays of a request, together.
    pub(super) fn delay_of(&self, body: &str) -> Duration {
        lock(&self.0).delays.iter().filter(|(scope, _)| body.contains(*scope)).map(|(_, delay)| delay).sum()
    }

    /// Counts the request, and takes the fault that applies to it.
    pub(super) fn take(&self, action: &str, body: &str) -> Option<Fault> {
        let mut state = lock(&self.0);
        // Forget the watches that were dropped.
        state.watched.retain(|(_, counts)| Arc::strong_count(&counts.0) > 1);
        let watched = state.watched.iter().filter(|(scope, _)| body.contains(scope));
        for counts in watched.map(|(_, counts)| counts).chain([&state.sent]) {
            *lock(&counts.0).entry(action.to_owned()).or_default() += 1;
        }
        state.plan.take(|target| {
            (target.action == ANY_ACTION || target.action == action) && body.contains(&target.scope)
        })
    }
}

impl Watch {
    /// Requests for `action` so far.
    pub fn count(&self, action: &str) -> u64 {
        lock(&self.0).get(action).copied().unwrap_or_default()
    }

    /// Requests of any kind so far.
    pub fn total(&self) -> u64 {
        lock(&self.0).values().sum()
    }
}

/// A test that panics with the lock held leaves the state consistent.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
