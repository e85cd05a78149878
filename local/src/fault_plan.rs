//! Faults that a test has planned; each applies to a number of requests.

/// Planned faults `F` in order, each with a key `K` that selects its requests and the number of uses left.
#[derive(Debug)]
pub(crate) struct FaultPlan<K, F>(Vec<(K, F, u32)>);

impl<K, F> Default for FaultPlan<K, F> {
    fn default() -> FaultPlan<K, F> {
        FaultPlan(Vec::new())
    }
}

impl<K, F: Copy> FaultPlan<K, F> {
    /// The next `times` requests that match `key` fail with `fault`.
    pub(crate) fn add(&mut self, key: K, fault: F, times: u32) {
        self.0.push((key, fault, times));
    }

    pub(crate) fn remove(&mut self, matches: impl Fn(&K) -> bool) {
        self.0.retain(|(key, ..)| !matches(key));
    }

    /// Takes the first fault whose key matches, and counts one use.
    pub(crate) fn take(&mut self, matches: impl Fn(&K) -> bool) -> Option<F> {
        let (_, fault, left) = self.0.iter_mut().find(|(key, ..)| matches(key))?;
        let fault = *fault;
        *left = left.saturating_sub(1);
        self.0.retain(|(.., left)| *left > 0);
        Some(fault)
    }
}
