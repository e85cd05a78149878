//! What goes wrong between the edge and a function, on demand, per client.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// One way to fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HostFault {
    /// The connection closes without an answer, and the function was not called.
    Down,
    /// The function was called, and the connection closes without an answer.
    LostAnswer,
    /// Lambda itself answers, with this status; the function was not called.
    Status(u16),
}

/// Planned faults. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct HostFaults(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    planned: Vec<Planned>,
    cut: BTreeSet<String>,
}

#[derive(Debug)]
struct Planned {
    client: String,
    fault: HostFault,
    left: u32,
}

impl HostFaults {
    /// The next `times` calls with a token of `client` fail.
    pub fn inject(&self, client: &str, fault: HostFault, times: u32) {
        self.state().planned.push(Planned { client: client.to_owned(), fault, left: times });
    }

    /// From now on pushes of `client` hand no commit to the edge: only the stream tells the room.
    pub fn cut_fast_path(&self, client: &str) {
        self.state().cut.insert(client.to_owned());
    }

    /// Undoes [`cut_fast_path`](HostFaults::cut_fast_path), and forgets what was planned for `client`.
    pub fn clear(&self, client: &str) {
        let mut state = self.state();
        state.cut.remove(client);
        state.planned.retain(|planned| planned.client != client);
    }

    /// How this call of `client` is to fail.
    pub(super) fn meet(&self, client: &str) -> Option<HostFault> {
        let mut state = self.state();
        let planned = state.planned.iter_mut().find(|planned| planned.client == client)?;
        let fault = planned.fault;
        planned.left = planned.left.saturating_sub(1);
        state.planned.retain(|planned| planned.left > 0);
        Some(fault)
    }

    pub(super) fn is_cut(&self, client: &str) -> bool {
        self.state().cut.contains(client)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A test that failed while it held the lock leaves the plans as sound as any others.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_meets_its_client_as_often_as_planned() {
        let faults = HostFaults::default();
        faults.inject("c1", HostFault::Down, 1);
        faults.inject("c1", HostFault::Status(502), 1);
        assert_eq!(faults.meet("c2"), None);
        assert_eq!(faults.meet("c1"), Some(HostFault::Down));
        assert_eq!(faults.meet("c1"), Some(HostFault::Status(502)));
        assert_eq!(faults.meet("c1"), None);
    }

    #[test]
    fn the_fast_path_is_cut_until_it_is_cleared() {
        let faults = HostFaults::default();
        faults.cut_fast_path("c1");
        assert!(faults.is_cut("c1") && !faults.is_cut("c2"));
        faults.clear("c1");
        assert!(!faults.is_cut("c1"));
    }
}
