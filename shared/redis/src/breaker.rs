//! The circuit breaker: while Redis is down, no request waits for it (Nygard, "Release It!", 2007).
//!
//! It opens on [`BREAKER_FAILURES`] failures among the last [`BREAKER_WINDOW`] tries, admits nothing for
//! [`BREAKER_PAUSE_MILLIS`], then admits one probe at a time, and closes when a probe succeeds.

use crate::limits::{BREAKER_FAILURES, BREAKER_PAUSE_MILLIS, BREAKER_WINDOW};
use protocol::timestamp::Timestamp;
use protocol::wire::health::BreakerState;

/// A circuit breaker. Time is an argument.
#[derive(Clone, Debug)]
pub struct Breaker {
    phase: Phase,
    /// How often it has opened. The outcome of a try counts only if the breaker has not opened since it was
    /// admitted.
    openings: u64,
}

#[derive(Clone, Copy, Debug)]
enum Phase {
    /// The last outcomes, newest in the lowest bit; 1 is a failure.
    Closed(u16),
    /// Nothing is admitted before this time.
    Open(Timestamp),
    /// A probe is running. If it has not reported by this time, another is admitted.
    HalfOpen(Timestamp),
}

/// Permits one try; handed back with its outcome.
#[derive(Debug)]
#[must_use]
pub struct Permit {
    openings: u64,
    probe: bool,
}

impl Breaker {
    /// A closed breaker without outcomes.
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

    /// Asks for a try at `now`.
    pub fn admit(&mut self, now: Timestamp) -> Option<Permit> {
        match self.phase {
            Phase::Closed(_) => Some(Permit { openings: self.openings, probe: false }),
            Phase::Open(until) | Phase::HalfOpen(until) if now >= until => {
                self.phase = Phase::HalfOpen(after_pause(now));
                Some(Permit { openings: self.openings, probe: true })
            }
            Phase::Open(_) | Phase::HalfOpen(_) => None,
        }
    }

    /// Reports the outcome of a try that ended at `now`.
    pub fn report(&mut self, permit: &Permit, failed: bool, now: Timestamp) {
        // Admitted before the breaker opened: its outcome says nothing about Redis now.
        if permit.openings != self.openings {
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
            Phase::Open(_) | Phase::HalfOpen(_) if !permit.probe => {}
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
