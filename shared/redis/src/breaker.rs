//! The circuit breaker: while Redis is down, nobody waits for it (Nygard, "Release It!", 2007).
//!
//! It opens on [`BREAKER_FAILURES`] failures among the last [`BREAKER_WINDOW`] tries, lets nothing through for
//! [`BREAKER_PAUSE_MILLIS`], then one probe at a time, and closes when a probe succeeds.

use crate::limits::{BREAKER_FAILURES, BREAKER_PAUSE_MILLIS, BREAKER_WINDOW};
use protocol::timestamp::Timestamp;
use protocol::wire::health::BreakerState;

/// A circuit breaker. Time is an argument, so that it is as testable as a sum.
#[derive(Clone, Debug)]
pub struct Breaker {
    phase: Phase,
    /// How often it has opened: what a try reports is only believed in the phase in which it was let through.
    openings: u64,
}

#[derive(Clone, Copy, Debug)]
enum Phase {
    /// The last outcomes, newest in the lowest bit; 1 is a failure.
    Closed(u16),
    /// Nothing passes before this time.
    Open(Timestamp),
    /// A probe is under way. If nothing is heard of it by this time, its caller is gone and another may try.
    HalfOpen(Timestamp),
}

/// Leave to try once, to be handed back with the outcome.
#[derive(Debug)]
#[must_use]
pub struct Pass {
    openings: u64,
    probe: bool,
}

impl Breaker {
    /// A closed breaker that remembers nothing.
    pub fn new() -> Breaker {
        Breaker { phase: Phase::Closed(0), openings: 0 }
    }

    /// The state at `now`.
    pub fn state(&self, now: Timestamp) -> BreakerState {
        match self.phase {
            Phase::Closed(_) => BreakerState::Closed,
            Phase::Open(until) if now < until => BreakerState::Open,
            Phase::Open(_) | Phase::HalfOpen(_) => BreakerState::HalfOpen,
        }
    }

    /// Asks to try at `now`.
    pub fn ask(&mut self, now: Timestamp) -> Option<Pass> {
        match self.phase {
            Phase::Closed(_) => Some(Pass { openings: self.openings, probe: false }),
            Phase::Open(until) | Phase::HalfOpen(until) if now >= until => {
                self.phase = Phase::HalfOpen(after_pause(now));
                Some(Pass { openings: self.openings, probe: true })
            }
            Phase::Open(_) | Phase::HalfOpen(_) => None,
        }
    }

    /// Reports how a try ended at `now`.
    pub fn report(&mut self, pass: &Pass, failed: bool, now: Timestamp) {
        // A straggler of an earlier phase knows nothing of this one.
        if pass.openings != self.openings {
            return;
        }
        match self.phase {
            Phase::Closed(outcomes) => {
                let kept = (1_u16 << BREAKER_WINDOW) - 1;
                let outcomes = ((outcomes << 1) | u16::from(failed)) & kept;
                self.phase = Phase::Closed(outcomes);
                if outcomes.count_ones() >= BREAKER_FAILURES {
                    self.open(now);
                }
            }
            Phase::Open(_) | Phase::HalfOpen(_) if !pass.probe => {}
            Phase::Open(_) | Phase::HalfOpen(_) if failed => self.open(now),
            Phase::Open(_) | Phase::HalfOpen(_) => self.phase = Phase::Closed(0),
        }
    }

    fn open(&mut self, now: Timestamp) {
        self.phase = Phase::Open(after_pause(now));
        self.openings += 1;
    }
}

impl Default for Breaker {
    fn default() -> Breaker {
        Breaker::new()
    }
}

fn after_pause(now: Timestamp) -> Timestamp {
    Timestamp(now.0.saturating_add(BREAKER_PAUSE_MILLIS * 1000))
}

#[cfg(test)]
mod tests;
