//! The rule itself.

use crate::rate::decision::{Decision, Standing};
use crate::rate::limit::Limit;
use protocol::timestamp::Timestamp;

/// What is kept for one caller and one limit: when everything that was used up has come back. Without it, or when that
/// moment has passed, the whole quota is there.
pub type FreeAt = Option<Timestamp>;

/// Whether a request at `now` is let in by all of `limits`, each with what is kept for it.
///
/// Where it is, [`free_at`] says what is to be kept from now on; where it is not, everything stays as it was.
pub fn decide(limits: &[(Limit, FreeAt)], now: Timestamp) -> Decision {
    let mut standings: Vec<_> = limits.iter().map(|(limit, kept)| standing(*limit, *kept, now)).collect();
    let allowed = standings.iter().all(|standing| standing.remaining() > 0);
    if allowed {
        standings.iter_mut().for_each(|standing| standing.debt_micros += standing.limit.interval_micros());
    }
    Decision { allowed, standings }
}

/// What is kept for a caller who stands so at `now`.
pub fn free_at(standing: Standing, now: Timestamp) -> Timestamp {
    Timestamp(now.0.saturating_add(standing.debt_micros))
}

/// Where the caller stands before the request. More than a whole quota cannot be used up: what says so was written by
/// a clock that is ahead of this one, and must not keep anybody out until then.
fn standing(limit: Limit, kept: FreeAt, now: Timestamp) -> Standing {
    let debt_micros = kept.map_or(0, |free_at| free_at.0.saturating_sub(now.0));
    Standing { limit, debt_micros: debt_micros.min(limit.capacity_micros()) }
}

#[cfg(test)]
mod tests;
