//! The algorithm.

use crate::rate::decision::{LimitState, RateDecision};
use crate::rate::limit::Limit;
use protocol::timestamp::Timestamp;

/// The stored state of one caller and limit: the time at which the quota is whole again. `None` or a past
/// time mean a whole quota.
pub type TheoreticalArrival = Option<Timestamp>;

/// Decides a request at `now` against all `limits`, each with its stored state.
///
/// If it is allowed, store [`theoretical_arrival`] of each limit; otherwise the stored state does not change.
pub fn decide(limits: &[(Limit, TheoreticalArrival)], now: Timestamp) -> RateDecision {
    let mut states: Vec<_> = limits.iter().map(|(limit, kept)| state(*limit, *kept, now)).collect();
    let allowed = states.iter().all(|state| state.remaining() > 0);
    if allowed {
        states.iter_mut().for_each(|state| state.debt_micros += state.limit.interval_micros());
    }
    RateDecision { allowed, states }
}

/// The state to store for a limit that is in `state` at `now`.
pub fn theoretical_arrival(state: LimitState, now: Timestamp) -> Timestamp {
    Timestamp(now.0.saturating_add(state.debt_micros))
}

/// The state before the request. The debt is capped at one quota: a larger one was written by a clock ahead
/// of ours, and must not lock the caller out.
fn state(limit: Limit, kept: TheoreticalArrival, now: Timestamp) -> LimitState {
    let debt_micros = kept.map_or(0, |arrival| arrival.0.saturating_sub(now.0));
    LimitState { limit, debt_micros: debt_micros.min(limit.capacity_micros()) }
}

#[cfg(test)]
mod tests;
