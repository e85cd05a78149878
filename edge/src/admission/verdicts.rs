//! What an isolate remembers of earlier checks, so that neither a flood nor an outage of Redis lets a refused
//! caller in again.

use auth::limits::{
    ENDED_SESSIONS_MAX, EXHAUSTED_LIMITS_MAX, SESSION_ENDED_SECS, SESSION_STATUS_SECS, SESSION_STATUSES_MAX,
};
use auth::rate::decision::{LimitState, RateDecision};
use auth::rate::gcra::theoretical_arrival;
use protocol::timestamp::Timestamp;
use redis_client::keys::Key;

use super::SessionStatus;
use super::check::CountedLimit;
use crate::expiring_cache::ExpiringCache;

/// Session statuses and exhausted limits. Only keys of verified tokens are stored as sessions.
pub(super) struct Verdicts {
    active: ExpiringCache<Key, ()>,
    /// Apart from the active sessions, so that these cannot push an ended one out.
    ended: ExpiringCache<Key, ()>,
    /// Limits without a request left, each with the time at which its quota is whole again.
    exhausted: ExpiringCache<Key, Timestamp>,
}

impl Default for Verdicts {
    fn default() -> Verdicts {
        Verdicts {
            active: ExpiringCache::new(SESSION_STATUSES_MAX),
            ended: ExpiringCache::new(ENDED_SESSIONS_MAX),
            exhausted: ExpiringCache::new(EXHAUSTED_LIMITS_MAX),
        }
    }
}

impl Verdicts {
    /// Stores the status that Redis reported.
    pub(super) fn note_status(&mut self, session: &Key, status: SessionStatus, now: Timestamp) {
        match status {
            SessionStatus::Active => {
                self.active.insert(session.clone(), (), now.plus_secs(SESSION_STATUS_SECS), now);
            }
            // Until the last access token of the session has expired.
            SessionStatus::Revoked => {
                self.ended.insert(session.clone(), (), now.plus_secs(SESSION_ENDED_SECS), now);
            }
        }
    }

    /// The status of a session, as far as it is known. An end outlives every other report.
    pub(super) fn status(&self, session: &Key, now: Timestamp) -> Option<SessionStatus> {
        if self.ended.get(session, now).is_some() {
            return Some(SessionStatus::Revoked);
        }
        self.active.get(session, now).map(|()| SessionStatus::Active)
    }

    /// Stores which limits refused a request, each until it allows one again. Only for decisions of Redis: a
    /// decision of this isolate may be stricter.
    pub(super) fn note_decision(&mut self, limits: &[CountedLimit], decision: &RateDecision, now: Timestamp) {
        if decision.allowed {
            return;
        }
        let states = limits.iter().zip(&decision.states);
        for (counted, state) in states.filter(|(_, state)| state.remaining() == 0) {
            let until = Timestamp(now.0.saturating_add(state.reset_micros()));
            self.exhausted.insert(counted.key.clone(), theoretical_arrival(*state, now), until, now);
        }
    }

    /// The refusal by limits that are known to be exhausted at `now`, with the states of these limits alone;
    /// `None` if no limit is known to be.
    pub(super) fn refusal(&self, limits: &[CountedLimit], now: Timestamp) -> Option<RateDecision> {
        let exhausted = |counted: &CountedLimit| {
            let arrival = self.exhausted.get(&counted.key, now)?;
            Some(LimitState { limit: counted.limit, debt_micros: arrival.0.saturating_sub(now.0) })
        };
        let states: Vec<_> = limits.iter().filter_map(exhausted).collect();
        (!states.is_empty()).then_some(RateDecision { allowed: false, states })
    }
}

#[cfg(test)]
mod tests {
    use auth::rate::limit::Limit;
    use redis_client::keys::Keys;

    use super::*;

    const NOW: Timestamp = Timestamp(1_765_103_400_000_000);

    fn session(id: &str) -> Key {
        Keys::new("t").unwrap().session(&"7".parse().unwrap(), id)
    }

    #[test]
    fn an_end_is_remembered_until_every_token_has_expired_and_outlives_a_later_report() {
        let mut verdicts = Verdicts::default();
        verdicts.note_status(&session("s1"), SessionStatus::Revoked, NOW);
        verdicts.note_status(&session("s1"), SessionStatus::Active, NOW.plus_secs(6));
        let last = NOW.plus_secs(SESSION_ENDED_SECS - 1);
        assert_eq!(verdicts.status(&session("s1"), last), Some(SessionStatus::Revoked));
        assert_eq!(verdicts.status(&session("s1"), NOW.plus_secs(SESSION_ENDED_SECS)), None);
        assert_eq!(verdicts.status(&session("s2"), NOW), None);
    }

    #[test]
    fn a_flood_of_sessions_does_not_push_an_ended_one_out() {
        let mut verdicts = Verdicts::default();
        verdicts.note_status(&session("s1"), SessionStatus::Revoked, NOW);
        for i in 0..2 * SESSION_STATUSES_MAX {
            verdicts.note_status(&session(&format!("flood-{i}")), SessionStatus::Active, NOW);
        }
        for i in 0..ENDED_SESSIONS_MAX - 1 {
            verdicts.note_status(&session(&format!("ended-{i}")), SessionStatus::Revoked, NOW);
        }
        assert_eq!(verdicts.status(&session("s1"), NOW), Some(SessionStatus::Revoked));
    }

    fn counted(name: &'static str, quota: u32) -> CountedLimit {
        let limit = Limit::per_minute(name, quota);
        let key = Keys::new("t").unwrap().rate(&"7".parse().unwrap(), "u1", name);
        CountedLimit { key, limit, local_limit: limit }
    }

    fn decision(limits: &[CountedLimit], allowed: bool, debts: &[u64]) -> RateDecision {
        let state =
            |(counted, debt): (&CountedLimit, &u64)| LimitState { limit: counted.limit, debt_micros: *debt };
        RateDecision { allowed, states: limits.iter().zip(debts).map(state).collect() }
    }

    #[test]
    fn an_exhausted_limit_refuses_until_it_allows_a_request_again() {
        let mut verdicts = Verdicts::default();
        let limits = [counted("name", 10), counted("address", 100)];
        verdicts.note_decision(&limits, &decision(&limits, false, &[57_000_000, 3_000_000]), NOW);
        // Six seconds apart; three of them have passed.
        let refusal = verdicts.refusal(&limits, Timestamp(NOW.0 + 2_999_999)).unwrap();
        assert_eq!((refusal.allowed, refusal.states.len()), (false, 1));
        assert_eq!((refusal.states[0].limit.name, refusal.retry_after_micros()), ("name", Some(1)));
        assert_eq!(verdicts.refusal(&limits, NOW.plus_secs(3)), None);
        assert_eq!(verdicts.refusal(&limits[1..], NOW), None, "the other limit has requests left");
    }

    #[test]
    fn an_allowed_request_exhausts_nothing() {
        let mut verdicts = Verdicts::default();
        let limits = [counted("name", 10)];
        verdicts.note_decision(&limits, &decision(&limits, true, &[60_000_000]), NOW);
        assert_eq!(verdicts.refusal(&limits, NOW), None);
    }
}
