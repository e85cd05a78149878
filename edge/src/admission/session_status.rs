//! A cache of session statuses: a busy till sends several requests a second.

use std::collections::HashMap;

use auth::limits::{SESSION_STATUS_SECS, SESSION_STATUSES_MAX};
use protocol::timestamp::Timestamp;
use redis_client::keys::Key;

/// The status of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SessionStatus {
    /// Not revoked. A missing key in Redis counts as active: only a revocation ends a session.
    Active,
    /// Revoked.
    Revoked,
}

/// Each status with the time at which it expires. Only sessions of verified tokens are stored.
#[derive(Default)]
pub(super) struct SessionStatusCache(HashMap<Key, (SessionStatus, Timestamp)>);

impl SessionStatusCache {
    /// The status of the session at `key`, unless it has expired at `now`.
    pub(super) fn get(&self, key: &Key, now: Timestamp) -> Option<SessionStatus> {
        self.0.get(key).filter(|(_, until)| *until > now).map(|(status, _)| *status)
    }

    /// Stores the status that Redis returned to a request made at `now`. A full cache drops expired statuses,
    /// and all of them if that is not enough: a lookup in Redis replaces each.
    pub(super) fn insert(&mut self, key: &Key, status: SessionStatus, now: Timestamp) {
        if self.0.len() >= SESSION_STATUSES_MAX {
            self.0.retain(|_, (_, until)| *until > now);
        }
        if self.0.len() >= SESSION_STATUSES_MAX {
            self.0.clear();
        }
        self.0.insert(key.clone(), (status, now.plus_secs(SESSION_STATUS_SECS)));
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
    fn a_status_expires_five_seconds_after_the_request() {
        let mut cache = SessionStatusCache::default();
        cache.insert(&key(1), SessionStatus::Active, NOW);
        assert_eq!(cache.get(&key(1), Timestamp(NOW.plus_secs(5).0 - 1)), Some(SessionStatus::Active));
        assert_eq!(cache.get(&key(1), NOW.plus_secs(5)), None);
        assert_eq!(cache.get(&key(2), NOW), None);
        cache.insert(&key(1), SessionStatus::Revoked, NOW.plus_secs(5));
        assert_eq!(cache.get(&key(1), NOW.plus_secs(5)), Some(SessionStatus::Revoked));
    }

    #[test]
    fn the_cache_is_bounded_and_drops_expired_statuses_first() {
        let mut cache = SessionStatusCache::default();
        for i in 0..SESSION_STATUSES_MAX {
            let at = if i == 0 { NOW.plus_secs(4) } else { NOW };
            cache.insert(&key(i), SessionStatus::Active, at);
        }
        let later = NOW.plus_secs(6);
        cache.insert(&key(SESSION_STATUSES_MAX), SessionStatus::Active, later);
        assert_eq!(cache.0.len(), 2);
        for i in 1..2 * SESSION_STATUSES_MAX {
            cache.insert(&key(i), SessionStatus::Active, later);
            assert!(cache.0.len() <= SESSION_STATUSES_MAX);
        }
    }
}
