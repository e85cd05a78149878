//! The rule over memory, for as long as Redis does not answer: each isolate for itself.

use std::collections::HashMap;

use crate::limits::LOCAL_RATE_CALLERS_MAX;
use crate::rate::decision::Decision;
use crate::rate::gcra::{decide, free_at};
use crate::rate::limit::Limit;
use protocol::timestamp::Timestamp;

/// What callers used up lately, by the names under which Redis would keep it.
#[derive(Debug, Default)]
pub struct Local(HashMap<String, Timestamp>);

impl Local {
    /// Whether a request at `now` is let in by all of `limits`, each under its name.
    pub fn decide(&mut self, limits: &[(String, Limit)], now: Timestamp) -> Decision {
        let kept: Vec<_> = limits.iter().map(|(name, limit)| (*limit, self.0.get(name).copied())).collect();
        let decision = decide(&kept, now);
        if decision.allowed {
            self.make_room(limits.len(), now);
            let after = decision.standings.iter().map(|standing| free_at(*standing, now));
            self.0.extend(limits.iter().map(|(name, _)| name.clone()).zip(after));
        }
        decision
    }

    /// Makes room for `more`. Those go first who have everything back, who would be treated the same without an entry;
    /// then the half that will have it soonest, who win least by being forgotten.
    fn make_room(&mut self, more: usize, now: Timestamp) {
        if self.0.len() + more <= LOCAL_RATE_CALLERS_MAX {
            return;
        }
        self.0.retain(|_, free_at| *free_at > now);
        if self.0.len() + more <= LOCAL_RATE_CALLERS_MAX {
            return;
        }
        let mut times: Vec<_> = self.0.values().copied().collect();
        let middle = times.len() / 2;
        if middle < times.len() {
            let (_, median, _) = times.select_nth_unstable(middle);
            let median = *median;
            self.0.retain(|_, free_at| *free_at > median);
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
    fn callers_are_counted_one_by_one_and_a_refusal_uses_up_nothing() {
        let mut local = Local::default();
        let name = |name: &str| (name.to_owned(), limit(2));
        assert!(local.decide(&[name("a"), name("b")], NOW).allowed);
        assert!(local.decide(&[name("a")], NOW).allowed);
        assert!(!local.decide(&[name("a"), name("b")], NOW).allowed);
        assert!(local.decide(&[name("b")], NOW).allowed);
        assert!(!local.decide(&[name("b")], NOW).allowed);
        assert!(local.decide(&[name("b")], NOW.plus_secs(30)).allowed);
    }

    #[test]
    fn memory_is_bounded_and_who_used_up_most_is_remembered() {
        let mut local = Local::default();
        let busy = [("busy".to_owned(), limit(3))];
        assert!((0..3).all(|_| local.decide(&busy, NOW).allowed));
        for i in 0..3 * LOCAL_RATE_CALLERS_MAX {
            assert!(local.decide(&[(i.to_string(), limit(100))], NOW).allowed);
            assert!(local.0.len() <= LOCAL_RATE_CALLERS_MAX);
        }
        assert!(!local.decide(&busy, NOW).allowed);
    }

    #[test]
    fn who_has_everything_back_goes_first() {
        let mut local = Local::default();
        for i in 0..LOCAL_RATE_CALLERS_MAX {
            let quota = if i == 0 { 1 } else { 100 };
            local.decide(&[(i.to_string(), limit(quota))], NOW);
        }
        local.decide(&[("next".to_owned(), limit(1))], NOW.plus_secs(1));
        assert_eq!(local.0.len(), 2);
        assert!(!local.decide(&[("0".to_owned(), limit(1))], NOW.plus_secs(1)).allowed);
    }
}
