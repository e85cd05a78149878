//! Faults between the edge and a function, planned by tests per client, and a count of the calls.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::fault_plan::FaultPlan;

/// How a call fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HostFault {
    /// The connection closes without a response; the function is not called.
    Down,
    /// The function is called; the connection closes without a response.
    LostResponse,
    /// Lambda itself responds with this status; the function is not called.
    Status(u16),
    /// There is never a response; the function is not called.
    Hang,
    /// A success with this content type and body; the function is not called.
    Answer(&'static str, &'static str),
    /// The function is called; the second half of its response is missing.
    Half,
}

/// Stands for the client of calls without a token: sign-ins, and the check of the function's health.
pub const NO_CLIENT: &str = "";

/// Planned faults. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct HostFaults(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    plan: FaultPlan<String, HostFault>,
    cut: BTreeSet<String>,
    without_groups: BTreeSet<String>,
    calls: BTreeMap<String, u64>,
}

impl HostFaults {
    /// The next `times` calls with a token of `client` (or of [`NO_CLIENT`]) fail.
    pub fn inject(&self, client: &str, fault: HostFault, times: u32) {
        self.state().plan.add(client.to_owned(), fault, times);
    }

    /// From now on, pushes of `client` return no publications to the edge: only the stream delivers them.
    pub fn cut_fast_path(&self, client: &str) {
        self.state().cut.insert(client.to_owned());
    }

    /// From now on, functions do not know groups of pushes of `client`, like those of a release without.
    pub fn refuse_groups(&self, client: &str) {
        self.state().without_groups.insert(client.to_owned());
    }

    /// Calls so far with a token of `client`, failed ones included.
    pub fn calls(&self, client: &str) -> u64 {
        self.state().calls.get(client).copied().unwrap_or_default()
    }

    pub(super) fn count(&self, client: &str) {
        *self.state().calls.entry(client.to_owned()).or_default() += 1;
    }

    pub(super) fn are_groups_refused(&self, client: &str) -> bool {
        self.state().without_groups.contains(client)
    }

    pub(super) fn take(&self, client: &str) -> Option<HostFault> {
        self.state().plan.take(|planned| planned == client)
    }

    pub(super) fn is_cut(&self, client: &str) -> bool {
        self.state().cut.contains(client)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A test that panics with the lock held leaves the state consistent.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_applies_to_its_client_as_often_as_planned() {
        let faults = HostFaults::default();
        faults.inject("c1", HostFault::Down, 1);
        faults.inject("c1", HostFault::Status(502), 1);
        assert_eq!(faults.take("c2"), None);
        let taken = [(); 3].map(|()| faults.take("c1"));
        assert_eq!(taken, [Some(HostFault::Down), Some(HostFault::Status(502)), None]);
    }

    #[test]
    fn the_fast_path_is_cut_for_one_client() {
        let faults = HostFaults::default();
        faults.cut_fast_path("c1");
        assert!(faults.is_cut("c1") && !faults.is_cut("c2"));
    }
}
