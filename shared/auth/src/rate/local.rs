//! GCRA in memory, per isolate, while Redis is unreachable.

use std::collections::HashMap;

use crate::limits::LOCAL_RATE_CALLERS_MAX;
use crate::rate::decision::RateDecision;
use crate::rate::gcra::{decide, theoretical_arrival};
use crate::rate::limit::Limit;
use protocol::timestamp::Timestamp;

/// The state per caller, by the keys that Redis would use.
#[derive(Debug, Default)]
pub struct LocalLimiter(HashMap<String, Timestamp>);

impl LocalLimiter {
    /// Decides a request at `now` against all `limits`, each with its key.
    pub fn decide(&mut self, limits: &[(String, Limit)], now: Timestamp) -> RateDecision {
        let kept: Vec<_> = limits.iter().map(|(name, limit)| (*limit, self.0.get(name).copied())).collect();
        let decision = decide(&kept, now);
        if decision.allowed {
            self.make_room(limits.len(), now);
            let after = decision.states.iter().map(|state| theoretical_arrival(*state, now));
            self.0.extend(limits.iter().map(|(name, _)| name.clone()).zip(after));
        }
        decision
    }

    /// Makes room for `more` entries. Removes callers with a whole quota first, which changes nothing for
    /// them; then the half with the smallest debt, which gains least.
    fn make_room(&mut self, more: usize, now: Timestamp) {
        if self.0.len() + more <= LOCAL_RATE_CALLERS_MAX {
            return;
        }
        self.0.retain(|_, arrival| *arrival > now);
        if self.0.len() + more <= LOCAL_RATE_CALLERS_MAX {
            return;
        }
        let mut times: Vec<_> = self.0.values().copied().collect();
        let middle = times.len() / 2;
        if middle < times.len() {
            let (_, median, _) = times.select_nth_unstable(middle);
            let median = *median;
            self.0.retain(|_, arrival| *arrival > median);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_765_103_400_000_000);

    fn limit(quota: u32) -> Limit {
        Limit::per_minute("test", quota)
    }

    #[test]
    fn callers_are_counted_separately_and_a_refusal_uses_no_quota() {
        let mut local = LocalLimiter::default();
        let name = |name: &str| (name.to_owned(), limit(2));
        assert!(local.decide(&[name("a"), name("b")], NOW).allowed);
        assert!(local.decide(&[name("a")], NOW).allowed);
        assert!(!local.decide(&[name("a"), name("b")], NOW).allowed);
        assert!(local.decide(&[name("b")], NOW).allowed);
        assert!(!local.decide(&[name("b")], NOW).allowed);
        assert!(local.decide(&[name("b")], NOW.plus_secs(30)).allowed);
    }

    #[test]
    fn memory_is_bounded_and_keeps_the_largest_debts() {
        let mut local = LocalLimiter::default();
        let busy = [("busy".to_owned(), limit(3))];
        assert!((0..3).all(|_| local.decide(&busy, NOW).allowed));
        for i in 0..3 * LOCAL_RATE_CALLERS_MAX {
            assert!(local.decide(&[(i.to_string(), limit(100))], NOW).allowed);
            assert!(local.0.len() <= LOCAL_RATE_CALLERS_MAX);
        }
        assert!(!local.decide(&busy, NOW).allowed);
    }

    #[test]
    fn callers_with_a_whole_quota_are_removed_first() {
        let mut local = LocalLimiter::default();
        for i in 0..LOCAL_RATE_CALLERS_MAX {
            let quota = if i == 0 { 1 } else { 100 };
            local.decide(&[(i.to_string(), limit(quota))], NOW);
        }
        local.decide(&[("next".to_owned(), limit(1))], NOW.plus_secs(1));
        assert_eq!(local.0.len(), 2);
        assert!(!local.decide(&[("0".to_owned(), limit(1))], NOW.plus_secs(1)).allowed);
    }
}
