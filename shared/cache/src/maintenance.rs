//! Scheduled maintenance: keys without a TTL, statistics of past days, and the largest keys.
//!
//! The product writes no key without a TTL, but a crash between two commands or a manual change may leave
//! one. One call is limited, costs one or two commands per key that it checks and more for each repair, and
//! the next call continues where it stopped. So a large keyspace takes several days.

mod compact;

use std::cmp::Reverse;
use std::time::Duration;

use super::kind::EntryKind;
use super::report::redis_figures;
use super::{Cache, Clock};
use crate::limits::{
    CACHE_LARGEST_KEYS, CACHE_MAINTENANCE_SECS, CACHE_SAMPLES, CACHE_SCAN_KEYS, CACHE_STATISTICS_SECS,
    CACHE_TAG_SECS,
};
use protocol::limits::{LAST_SEEN_SECS, SESSION_IDLE_SECS};
use protocol::wire::cache::RedisFigures;
use redis_client::command::{
    Expiry, Remaining, Ttl, expire, get_and_delete, info, memory_usage, pttl, scan, set, unlink,
};
use redis_client::error::RedisError;
use redis_client::keys::{Key, KeyKind};
use redis_client::pipeline::Pipeline;
use redis_client::transport::Transport;
use redis_client::value::Value;

/// The result of one call.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Maintained {
    /// Keys that were checked.
    pub checked: u64,
    /// Keys without a TTL that were given one.
    pub given_ttl: u64,
    /// Keys without a TTL that were removed.
    pub removed: u64,
    /// Days of clients whose statistics were compacted into one field.
    pub compacted: u64,
    /// The largest of the measured keys with their bytes, largest first.
    pub largest: Vec<(String, u64)>,
    /// Redis's figures; `None` if it rejects INFO.
    pub redis: Option<RedisFigures>,
    /// Advice about Redis's memory.
    pub advice: Vec<Advice>,
    /// Whether the end of the keyspace was reached; otherwise the next call continues.
    pub complete: bool,
}

/// Advice about Redis's memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Advice {
    /// More than four fifths of the memory are used.
    NearlyFull,
    /// Redis evicts keys: more memory would mean more hits.
    Evicting,
    /// A full database would reject writes, including sessions and rate limits. It should evict keys instead
    /// (`maxmemory-policy volatile-lru`).
    RefusesWhenFull,
}

impl<T: Transport, C: Clock> Cache<T, C> {
    /// Maintains all keys of the deployment, at most `steps` pages of [`CACHE_SCAN_KEYS`] from where the last
    /// call stopped.
    ///
    /// # Errors
    ///
    /// If Redis does not respond. The next call continues after the last complete page.
    pub async fn maintain(&self, steps: u32) -> Result<Maintained, RedisError> {
        let (redis, position) = (self.patient(), self.keys.maintenance());
        // Deletes the position: if it makes the scan fail, the next call starts from the beginning.
        let kept = redis.run(&get_and_delete(&position)).await?;
        let mut next = kept.and_then(|bytes| std::str::from_utf8(&bytes).ok()?.parse().ok()).unwrap_or(0);
        let mut done = Maintained::default();
        for _ in 0..steps {
            let page = redis.run(&scan(next, &self.keys.all(), CACHE_SCAN_KEYS)).await?;
            // Keys of unknown kinds are left alone.
            let keys: Vec<_> = page.keys.iter().filter_map(|key| self.keys.parse_any(key)).collect();
            self.check_ttls(&keys, &mut done).await?;
            done.compacted += self.compact_past_days(&keys).await?;
            // After each page, because the call may be cut off. A full Redis rejects the position; the next
            // call then starts from the beginning.
            let Some(cursor) = page.next else {
                let _ = redis.run(&unlink([&position])).await;
                done.complete = true;
                break;
            };
            next = cursor;
            let expiry = Expiry::In(Ttl::of_secs(CACHE_MAINTENANCE_SECS));
            let _ = redis.run(&set(&position, &Value::text(cursor.to_string()), expiry)).await;
        }
        if let Ok(info) = redis.run(&info()).await {
            let figures = redis_figures(&info);
            done.advice = advice(figures, info.get("maxmemory_policy"));
            done.redis = Some(figures);
        }
        Ok(done)
    }

    /// Removes keys without a TTL or gives them one, and measures the first few keys.
    async fn check_ttls(&self, keys: &[(Key, KeyKind)], done: &mut Maintained) -> Result<(), RedisError> {
        let mut pipeline = Pipeline::new();
        let ttls: Vec<_> = keys.iter().map(|(key, _)| pipeline.push(pttl(key))).collect();
        let sample = keys.iter().take(CACHE_SAMPLES);
        let sizes: Vec<_> = sample.map(|(key, _)| (key, pipeline.push(memory_usage(key)))).collect();
        let mut replies = self.patient().pipeline(&pipeline).await?;
        let (mut removed, mut repairs, mut slots) = (Vec::new(), Pipeline::new(), Vec::new());
        for ((key, kind), slot) in keys.iter().zip(ttls) {
            done.checked += 1;
            match (replies.take(slot)?, ttl_of(*kind)) {
                (Remaining::Forever, Some(ttl)) => slots.push(repairs.push(expire(key, ttl))),
                (Remaining::Forever, None) => removed.push(key),
                (Remaining::NoKey | Remaining::For(_), _) => {}
            }
        }
        for (key, slot) in sizes {
            // Some services reject MEMORY; their keys are not measured.
            if let Ok(Some(bytes)) = replies.take(slot) {
                done.largest.push((key.to_string(), bytes));
            }
        }
        done.largest.sort_by_key(|(_, bytes)| Reverse(*bytes));
        done.largest.truncate(CACHE_LARGEST_KEYS);
        if !removed.is_empty() {
            done.removed += self.patient().run(&unlink(removed)).await?;
        }
        let mut replies = self.patient().pipeline(&repairs).await?;
        for slot in slots {
            done.given_ttl += u64::from(replies.take(slot)?);
        }
        Ok(())
    }
}

/// The TTL for a key that has none; `None` if the key is removed, because its value can be loaded again.
fn ttl_of(kind: KeyKind) -> Option<Ttl> {
    match kind {
        KeyKind::Record | KeyKind::User | KeyKind::Stats | KeyKind::Tag | KeyKind::Lock => None,
        KeyKind::Cart => Some(Ttl::of(Duration::from_millis(EntryKind::Cart.total_millis_max()))),
        // It may say that a session has ended, which must be known while the session's tokens are valid.
        KeyKind::Session => Some(Ttl::of_secs(SESSION_IDLE_SECS)),
        KeyKind::LastSeen => Some(Ttl::of_secs(LAST_SEEN_SECS)),
        KeyKind::Rate => Some(Ttl::of_secs(CACHE_TAG_SECS)),
        KeyKind::CacheStatistics => Some(Ttl::of_secs(CACHE_STATISTICS_SECS)),
        KeyKind::Maintenance => Some(Ttl::of_secs(CACHE_MAINTENANCE_SECS)),
    }
}

fn advice(figures: RedisFigures, policy: Option<&str>) -> Vec<Advice> {
    let mut advice = Vec::new();
    if let (Some(used), Some(max)) = (figures.used_memory_bytes, figures.max_memory_bytes) {
        if u128::from(used) * 5 > u128::from(max) * 4 {
            advice.push(Advice::NearlyFull);
        }
        if policy == Some("noeviction") {
            advice.push(Advice::RefusesWhenFull);
        }
    }
    if figures.evicted_keys.is_some_and(|keys| keys > 0) {
        advice.push(Advice::Evicting);
    }
    advice
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_advice_follows_from_redis_figures() {
        let figures = |used, max, evicted| RedisFigures {
            used_memory_bytes: Some(used),
            max_memory_bytes: max,
            evicted_keys: Some(evicted),
            ..RedisFigures::default()
        };
        assert_eq!(advice(figures(80, Some(100), 0), Some("volatile-lru")), []);
        assert_eq!(advice(figures(81, Some(100), 0), Some("volatile-lru")), [Advice::NearlyFull]);
        assert_eq!(advice(figures(81, None, 0), Some("noeviction")), []);
        let all = [Advice::NearlyFull, Advice::RefusesWhenFull, Advice::Evicting];
        assert_eq!(advice(figures(100, Some(100), 3), Some("noeviction")), all);
    }
}
