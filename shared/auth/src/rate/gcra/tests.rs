use proptest::prelude::*;

use super::*;

const NOW: u64 = 1_765_103_400_000_000;

/// The specification, over all past admissions instead of one number: counted from any admission, there may
/// be a quota and what has come back since.
struct Admissions {
    limit: Limit,
    at: Vec<u64>,
}

impl Admissions {
    /// Whether `more` requests at `now` would be allowed.
    fn fits(&self, more: u64, now: u64) -> bool {
        let quota = u64::from(self.limit.quota());
        let from_each = self.at.iter().enumerate().all(|(i, at)| {
            let since = (self.at.len() - i) as u64 + more;
            since.saturating_sub(quota) * self.limit.interval_micros() <= now - at
        });
        more <= quota && from_each
    }

    fn remaining(&self, now: u64) -> u64 {
        (0..).take_while(|more| self.fits(more + 1, now)).count() as u64
    }
}

fn limit(quota: u32) -> Limit {
    Limit::per_minute("test", quota)
}

/// Decides and stores the new state.
fn ask(kept: &mut [(Limit, TheoreticalArrival)], now: u64) -> RateDecision {
    let decision = decide(kept, Timestamp(now));
    if decision.allowed {
        for ((_, kept), state) in kept.iter_mut().zip(&decision.states) {
            *kept = Some(theoretical_arrival(*state, Timestamp(now)));
        }
    }
    decision
}

#[test]
fn a_quota_is_allowed_at_once_and_then_one_request_per_interval() {
    let mut kept = [(limit(10), None)];
    for left in (0..10).rev() {
        let decision = ask(&mut kept, NOW);
        assert!(decision.allowed);
        assert_eq!(decision.states[0].remaining(), left);
    }
    assert_eq!(ask(&mut kept, NOW).retry_after_micros(), Some(6_000_000));
    assert_eq!(ask(&mut kept, NOW + 5_999_999).retry_after_micros(), Some(1));
    assert!(ask(&mut kept, NOW + 6_000_000).allowed);
    assert!(!ask(&mut kept, NOW + 6_000_001).allowed);
}

#[test]
fn a_state_from_the_future_does_not_lock_a_caller_out() {
    let far = Some(Timestamp(NOW + 365 * 24 * 3600 * 1_000_000));
    assert_eq!(decide(&[(limit(10), far)], Timestamp(NOW)).retry_after_micros(), Some(6_000_000));
}

/// Which limits to check, and pauses between requests: bursts, and pauses around an interval and a window.
fn arrivals() -> impl Strategy<Value = Vec<(usize, u64)>> {
    let pause =
        prop_oneof![Just(0), 0..2_u64, 0..9_000_000_u64, 59_000_000..61_000_000_u64, Just(6_000_000_u64)];
    prop::collection::vec((0..3_usize, pause), 0..120)
}

proptest! {
    #[test]
    fn gcra_decides_like_the_specification(quotas in [1..12_u32, 1..12_u32], arrivals in arrivals()) {
        let mut kept = quotas.map(|quota| (limit(quota), None));
        let mut models = quotas.map(|quota| Admissions { limit: limit(quota), at: Vec::new() });
        let mut now = NOW;
        for (which, pause) in arrivals {
            now += pause;
            // The first limit, the second, or both at once.
            let asked = match which { 0 => 0..1, 1 => 1..2, _ => 0..2 };
            let decision = ask(&mut kept[asked.clone()], now);
            let models = &mut models[asked];
            prop_assert_eq!(decision.allowed, models.iter().all(|model| model.fits(1, now)));
            if decision.allowed {
                models.iter_mut().for_each(|model| model.at.push(now));
            }
            for (model, state) in models.iter().zip(&decision.states) {
                prop_assert_eq!(state.remaining(), model.remaining(now));
                let reset = state.reset_micros();
                prop_assert!(reset == 0 || model.remaining(now + reset - 1) == state.remaining());
                prop_assert!(reset == 0 || model.remaining(now + reset) == state.remaining() + 1);
            }
            if let Some(wait) = decision.retry_after_micros() {
                prop_assert!(models.iter().all(|model| model.fits(1, now + wait)));
                prop_assert!(!models.iter().all(|model| model.fits(1, now + wait - 1)));
            }
        }
        for model in models {
            let quota = model.limit.quota() as usize;
            for from in &model.at {
                let within = |span| model.at.iter().filter(|at| (*from..from + span).contains(at)).count();
                prop_assert!(within(1) <= quota);
                prop_assert!(within(60_000_000) <= 2 * quota);
            }
        }
    }
}
