//! What Redis said of sessions, remembered for a moment: a till that sells asks several times a second.

use std::collections::HashMap;

use auth::limits::{SESSION_STATUS_SECS, SESSION_STATUSES_MAX};
use protocol::timestamp::Timestamp;
use redis_client::keys::Key;

/// What is known of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It was not revoked. Redis may have forgotten it; only who revokes a session ends it.
    Stands,
    /// It was revoked.
    Revoked,
}

/// Verdicts, each with the time from which it is no longer believed. Only sessions of verified tokens get in.
#[derive(Default)]
pub(super) struct Verdicts(HashMap<Key, (Verdict, Timestamp)>);

impl Verdicts {
    /// What was said of the session at `key`, if that is still to be believed at `now`.
    pub(super) fn get(&self, key: &Key, now: Timestamp) -> Option<Verdict> {
        self.0.get(key).filter(|(_, until)| *until > now).map(|(verdict, _)| *verdict)
    }

    /// Remembers what the answer to a question of `now` said. Where there is no room, the old ones go first, then all
    /// of them: asking again only takes longer.
    pub(super) fn insert(&mut self, key: &Key, verdict: Verdict, now: Timestamp) {
        if self.0.len() >= SESSION_STATUSES_MAX {
            self.0.retain(|_, (_, until)| *until > now);
        }
        if self.0.len() >= SESSION_STATUSES_MAX {
            self.0.clear();
        }
        self.0.insert(key.clone(), (verdict, now.plus_secs(SESSION_STATUS_SECS)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use redis_client::keys::Keys;

    const NOW: Timestamp = Timestamp(1_765_103_400_000_000);

    fn key(id: usize) -> Key {
        Keys::new("t").unwrap().session(&"1".parse().unwrap(), &id.to_string())
    }

    #[test]
    fn a_verdict_is_believed_for_five_seconds_from_the_question() {
        let mut verdicts = Verdicts::default();
        verdicts.insert(&key(1), Verdict::Stands, NOW);
        assert_eq!(verdicts.get(&key(1), Timestamp(NOW.plus_secs(5).0 - 1)), Some(Verdict::Stands));
        assert_eq!(verdicts.get(&key(1), NOW.plus_secs(5)), None);
        assert_eq!(verdicts.get(&key(2), NOW), None);
        verdicts.insert(&key(1), Verdict::Revoked, NOW.plus_secs(5));
        assert_eq!(verdicts.get(&key(1), NOW.plus_secs(5)), Some(Verdict::Revoked));
    }

    #[test]
    fn memory_is_bounded_and_the_old_go_first() {
        let mut verdicts = Verdicts::default();
        for i in 0..SESSION_STATUSES_MAX {
            let at = if i == 0 { NOW.plus_secs(4) } else { NOW };
            verdicts.insert(&key(i), Verdict::Stands, at);
        }
        let later = NOW.plus_secs(6);
        verdicts.insert(&key(SESSION_STATUSES_MAX), Verdict::Stands, later);
        assert_eq!(verdicts.0.len(), 2);
        for i in 1..2 * SESSION_STATUSES_MAX {
            verdicts.insert(&key(i), Verdict::Stands, later);
            assert!(verdicts.0.len() <= SESSION_STATUSES_MAX);
        }
    }
}
