//! A bounded cache whose entries expire, for the life of the isolate.

use std::collections::HashMap;
use std::hash::Hash;

use protocol::timestamp::Timestamp;

/// Values by key, each with the time at which it expires. Only for values that can be fetched again.
pub(crate) struct ExpiringCache<K, V> {
    entries: HashMap<K, (V, Timestamp)>,
    max: usize,
}

impl<K: Eq + Hash, V> ExpiringCache<K, V> {
    pub(crate) fn new(max: usize) -> ExpiringCache<K, V> {
        ExpiringCache { entries: HashMap::new(), max }
    }

    /// The value at `key`, unless it has expired at `now`.
    pub(crate) fn get<Q>(&self, key: &Q, now: Timestamp) -> Option<&V>
    where
        K: std::borrow::Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        self.entries.get(key).filter(|(_, expires_at)| *expires_at > now).map(|(value, _)| value)
    }

    /// Stores a value. A full cache drops expired entries, and the half that expires soonest if that is not
    /// enough: the entries that are of use for the longest time stay.
    pub(crate) fn insert(&mut self, key: K, value: V, expires_at: Timestamp, now: Timestamp) {
        if self.entries.len() >= self.max {
            self.entries.retain(|_, (_, expires_at)| *expires_at > now);
        }
        if self.entries.len() >= self.max {
            self.drop_half();
        }
        self.entries.insert(key, (value, expires_at));
    }

    fn drop_half(&mut self) {
        let mut times: Vec<_> = self.entries.values().map(|(_, expires_at)| *expires_at).collect();
        let middle = times.len() / 2;
        if middle < times.len() {
            let (_, median, _) = times.select_nth_unstable(middle);
            let median = *median;
            self.entries.retain(|_, (_, expires_at)| *expires_at > median);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_765_103_400_000_000);
    const MAX: usize = 100;

    #[test]
    fn an_entry_is_cached_until_it_expires() {
        let mut cache = ExpiringCache::new(MAX);
        cache.insert("a.b.c".to_owned(), 1, NOW.plus_secs(5), NOW);
        assert_eq!(cache.get("a.b.c", Timestamp(NOW.plus_secs(5).0 - 1)), Some(&1));
        assert_eq!(cache.get("a.b.c", NOW.plus_secs(5)), None);
        for other in ["a.b.C", "a.b."] {
            assert_eq!(cache.get(other, NOW), None);
        }
        cache.insert("a.b.c".to_owned(), 2, NOW.plus_secs(10), NOW.plus_secs(5));
        assert_eq!(cache.get("a.b.c", NOW.plus_secs(5)), Some(&2));
    }

    #[test]
    fn the_cache_is_bounded_and_drops_expired_entries_first() {
        let mut cache = ExpiringCache::new(MAX);
        for i in 0..MAX {
            cache.insert(i, (), NOW.plus_secs(if i == 0 { 900 } else { 1 }), NOW);
        }
        let later = NOW.plus_secs(2);
        cache.insert(MAX, (), later.plus_secs(900), later);
        assert_eq!(cache.entries.len(), 2);
        for i in 1..2 * MAX {
            cache.insert(i, (), later.plus_secs(900), later);
            assert!(cache.entries.len() <= MAX);
        }
    }

    #[test]
    fn a_full_cache_keeps_the_entries_that_expire_last() {
        let mut cache = ExpiringCache::new(MAX);
        for i in 0..MAX as u64 {
            cache.insert(i, (), NOW.plus_secs(900 + i), NOW);
        }
        cache.insert(MAX as u64, (), NOW.plus_secs(1), NOW);
        let kept: Vec<u64> = (0..=MAX as u64).filter(|i| cache.get(i, NOW).is_some()).collect();
        assert_eq!(kept, (MAX as u64 / 2 + 1..=MAX as u64).collect::<Vec<_>>());
    }
}
