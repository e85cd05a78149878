//! The breaker's states.

use super::*;
use proptest::prelude::*;

const PAUSE: u64 = BREAKER_PAUSE_MILLIS * 1000;

fn at(micros: u64) -> Timestamp {
    Timestamp(micros)
}

/// Tries once at `now` if admitted; returns whether it was.
fn attempt(breaker: &mut Breaker, now: Timestamp, failed: bool) -> bool {
    let permit = breaker.admit(now);
    if let Some(permit) = &permit {
        breaker.report(permit, failed, now);
    }
    permit.is_some()
}

fn opened() -> Breaker {
    let mut breaker = Breaker::new();
    for _ in 0..BREAKER_FAILURES {
        assert!(attempt(&mut breaker, at(0), true));
    }
    breaker
}

#[test]
fn five_failures_of_ten_open_it_in_any_order() {
    let mut breaker = Breaker::new();
    for failed in [true, false, true, false, true, false, true, false] {
        assert!(attempt(&mut breaker, at(0), failed));
        assert_eq!(breaker.state(at(0)), BreakerState::Closed);
    }
    assert!(attempt(&mut breaker, at(0), true));
    assert_eq!(breaker.state(at(0)), BreakerState::Open);
}

#[test]
fn failures_before_the_last_ten_tries_do_not_count() {
    let mut breaker = Breaker::new();
    for _ in 0..50 {
        // Four failures of ten, again and again.
        for failed in [true, true, true, true, false, false, false, false, false, false] {
            assert!(attempt(&mut breaker, at(0), failed));
        }
    }
    assert_eq!(breaker.state(at(0)), BreakerState::Closed);
}

#[test]
fn an_open_breaker_admits_nothing_and_then_one_probe_at_a_time() {
    let mut breaker = opened();
    assert!(breaker.admit(at(0)).is_none() && breaker.admit(at(PAUSE - 1)).is_none());
    assert_eq!(breaker.state(at(PAUSE - 1)), BreakerState::Open);
    assert_eq!(breaker.state(at(PAUSE)), BreakerState::HalfOpen);
    let probe = breaker.admit(at(PAUSE)).unwrap();
    assert!(breaker.admit(at(PAUSE)).is_none());
    breaker.report(&probe, false, at(PAUSE + 1));
    assert_eq!(breaker.state(at(PAUSE + 1)), BreakerState::Closed);
    // The old outcomes are gone: one failure does not open it again.
    assert!(attempt(&mut breaker, at(PAUSE + 2), true));
    assert_eq!(breaker.state(at(PAUSE + 2)), BreakerState::Closed);
}

#[test]
fn a_failed_probe_opens_it_for_another_pause() {
    let mut breaker = opened();
    assert!(attempt(&mut breaker, at(PAUSE), true));
    assert!(!attempt(&mut breaker, at(2 * PAUSE - 1), false));
    assert!(attempt(&mut breaker, at(2 * PAUSE), false));
    assert_eq!(breaker.state(at(2 * PAUSE)), BreakerState::Closed);
}

#[test]
fn a_probe_that_never_reports_does_not_block_the_next() {
    let mut breaker = opened();
    let lost = breaker.admit(at(PAUSE)).unwrap();
    assert!(breaker.admit(at(2 * PAUSE - 1)).is_none());
    let next = breaker.admit(at(2 * PAUSE)).unwrap();
    breaker.report(&next, true, at(2 * PAUSE));
    // The lost probe reports after all; its outcome does not count.
    breaker.report(&lost, false, at(2 * PAUSE));
    assert_eq!(breaker.state(at(2 * PAUSE)), BreakerState::Open);
}

#[test]
fn tries_admitted_before_it_opened_do_not_count() {
    let mut breaker = Breaker::new();
    let straggler = breaker.admit(at(0)).unwrap();
    for _ in 0..BREAKER_FAILURES {
        assert!(attempt(&mut breaker, at(0), true));
    }
    breaker.report(&straggler, false, at(1));
    assert_eq!(breaker.state(at(1)), BreakerState::Open);
    assert!(attempt(&mut breaker, at(PAUSE), false));
    let another = Breaker::new().admit(at(0)).unwrap();
    for _ in 0..BREAKER_FAILURES {
        breaker.report(&another, true, at(PAUSE));
    }
    assert_eq!(breaker.state(at(PAUSE)), BreakerState::Closed);
}

proptest! {
    #[test]
    fn it_opens_exactly_when_the_last_ten_hold_five_failures(outcomes: Vec<bool>) {
        let mut breaker = Breaker::new();
        for (at_outcome, failed) in outcomes.iter().enumerate() {
            prop_assert!(attempt(&mut breaker, at(0), *failed));
            let window = &outcomes[(at_outcome + 1).saturating_sub(10)..=at_outcome];
            let open = window.iter().filter(|failed| **failed).count() >= 5;
            prop_assert_eq!(breaker.state(at(0)) == BreakerState::Open, open);
            if open {
                break;
            }
        }
    }
}
