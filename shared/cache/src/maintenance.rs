//! Maintenance, which a schedule calls: keys that would stay for ever, past days' counts, and what takes the most memory.
//!
//! No key of ours is written without a TTL, but one may be there by a crash between two commands, or by hand. One call
//! is bounded and costs a command or two for every key that it looks at, and more for what it mends; the next goes on
//! where it stopped, so that a large keyspace is looked through over some days.

use super::Cache;
use super::kind::Kind;
use super::report::redis_figures;
use crate::limits::{
    CACHE_LARGEST_KEYS, CACHE_MAINTENANCE_SECS, CACHE_SAMPLES, CACHE_SCAN_KEYS, CACHE_STATISTICS_SECS,
    CACHE_TAG_SECS,
};
use protocol::limits::SESSION_IDLE_SECS;
use protocol::wire::cache::RedisFigures;
use redis_client::command::{
    Expire, GetDel, Info, Keeping, Life, MemoryUsage, PTtl, Remaining, Scan, Set, Unlink,
};
use redis_client::error::RedisError;
use redis_client::keys::{Key, Kind as KeyKind};
use redis_client::pipeline::Pipeline;
use redis_client::transport::Transport;
use redis_client::value::Value;

/// What one call found and did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Maintained {
    /// Keys it looked at.
    pub looked: u64,
    /// Keys that had no TTL and were given one.
    pub given_life: u64,
    /// Keys that had no TTL and were removed.
    pub removed: u64,
    /// Clients' days of which the counts of all processes were folded into one.
    pub folded: u64,
    /// The largest of the keys that were measured, with their bytes; the largest first.
    pub largest: Vec<(String, u64)>,
    /// Redis by its own account; nothing if it does not say.
    pub redis: Option<RedisFigures>,
    /// What should be done about its memory.
    pub advice: Vec<Advice>,
    /// Whether the keyspace has been looked through to its end; otherwise the next call goes on.
    pub complete: bool,
}

/// What should be done about Redis's memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Advice {
    /// More than four fifths of the memory are in use.
    NearlyFull,
    /// Keys are being removed to make room: more memory would be more hits.
    Evicting,
    /// A full database would refuse to write, and sessions and limits with it: let it evict by age instead
    /// (`maxmemory-policy volatile-lru`).
    RefusesWhenFull,
}

/// What becomes of a key without a TTL.
enum Orphan {
    /// It is removed: what it would answer is loaded anew.
    Remove,
    /// It gets this life: nothing else knows what it says.
    Live(Life),
}

fn orphan(kind: KeyKind) -> Orphan {
    let of_millis = |millis: u64| Life::of(std::time::Duration::from_millis(millis));
    match kind {
        KeyKind::Record
        | KeyKind::User
        | KeyKind::Stats
        | KeyKind::Tag
        | KeyKind::Lock
        | KeyKind::Channel => Orphan::Remove,
        KeyKind::Cart => Orphan::Live(of_millis(Kind::Cart.gone_millis_max())),
        // It may say that a session was ended, which must be known as long as its tokens are valid.
        KeyKind::Session => Orphan::Live(Life::of_secs(SESSION_IDLE_SECS)),
        KeyKind::Rate => Orphan::Live(Life::of_secs(CACHE_TAG_SECS)),
        KeyKind::CacheStatistics => Orphan::Live(Life::of_secs(CACHE_STATISTICS_SECS)),
        KeyKind::Maintenance => Orphan::Live(Life::of_secs(CACHE_MAINTENANCE_SECS)),
    }
}

impl Maintained {
    /// Both together, the later one telling how things stand.
    fn plus(self, later: Maintained) -> Maintained {
        let mut largest = [self.largest, later.largest].concat();
        largest.sort_by_key(|(_, bytes)| std::cmp::Reverse(*bytes));
        largest.truncate(CACHE_LARGEST_KEYS);
        Maintained {
            looked: self.looked + later.looked,
            given_life: self.given_life + later.given_life,
            removed: self.removed + later.removed,
            folded: self.folded + later.folded,
            largest,
            ..later
        }
    }
}

impl<T: Transport> Cache<T> {
    /// Looks after the keys of the deployment, at most `steps` pages of [`CACHE_SCAN_KEYS`] on from where the last call
    /// stopped.
    ///
    /// # Errors
    ///
    /// If Redis does not answer. What was done so far is done, and the next call goes on behind it.
    pub async fn maintain(&self, steps: u32) -> Result<Maintained, RedisError> {
        let mut next = self.take_place().await?;
        let mut done = Maintained::default();
        for _ in 0..steps {
            let scan = Scan::new(next.unwrap_or(0), &self.keys.everything(), CACHE_SCAN_KEYS);
            let page = self.patient().run(&scan).await?;
            // What we have no word for is not ours to judge.
            let keys: Vec<(Key, KeyKind)> =
                page.keys.iter().filter_map(|key| self.keys.of_anybody(key)).collect();
            done = done.plus(self.look_after(&keys).await?);
            next = page.next;
            // A full Redis does not remember it; then the next call begins at the beginning.
            let _ = self.keep_place(next).await;
            if next.is_none() {
                done.complete = true;
                break;
            }
        }
        if let Ok(info) = self.patient().run(&Info).await {
            let figures = redis_figures(&info);
            done.advice = advice(figures, info.get("maxmemory_policy"));
            done.redis = Some(figures);
        }
        Ok(done)
    }

    /// Where the last call stopped, which is then forgotten: a place that does not work is not tried every night.
    async fn take_place(&self) -> Result<Option<u64>, RedisError> {
        let kept = self.patient().run(&GetDel::new(&self.keys.maintenance())).await?;
        Ok(kept.and_then(|bytes| std::str::from_utf8(&bytes).ok()?.parse().ok()))
    }

    /// After each page: the call may be cut off.
    async fn keep_place(&self, next: Option<u64>) -> Result<(), RedisError> {
        let (place, life) = (self.keys.maintenance(), Keeping::For(Life::of_secs(CACHE_MAINTENANCE_SECS)));
        match next {
            Some(next) => {
                self.patient().run(&Set::new(&place, Value::text(next.to_string()), life)).await.map(drop)
            }
            None => self.patient().run(&Unlink::new([&place])).await.map(drop),
        }
    }

    /// Ends those of `keys` that have no TTL, and measures the first few.
    async fn look_after(&self, keys: &[(Key, KeyKind)]) -> Result<Maintained, RedisError> {
        let (mut pipeline, mut done) = (Pipeline::new(), Maintained::default());
        let lives: Vec<_> = keys.iter().map(|(key, _)| pipeline.push(&PTtl::new(key))).collect();
        let sizes: Vec<_> = keys
            .iter()
            .take(CACHE_SAMPLES)
            .map(|(key, _)| (key, pipeline.push(&MemoryUsage::new(key))))
            .collect();
        let mut replies = self.patient().pipeline(&pipeline).await?;
        let mut orphans = Vec::new();
        for (key, slot) in keys.iter().zip(lives) {
            done.looked += 1;
            if replies.take(slot)? == Remaining::Forever {
                orphans.push(key);
            }
        }
        for (key, slot) in sizes {
            // Some services do not answer MEMORY; then nothing is known to be large.
            if let Ok(Some(bytes)) = replies.take(slot) {
                done.largest.push((key.to_string(), bytes));
            }
        }
        self.end(&orphans, &mut done).await?;
        done.folded = self.fold_past_days(keys).await?;
        Ok(done)
    }

    async fn end(&self, orphans: &[&(Key, KeyKind)], done: &mut Maintained) -> Result<(), RedisError> {
        let (mut doomed, mut pipeline, mut slots) = (Vec::new(), Pipeline::new(), Vec::new());
        for (key, kind) in orphans {
            match orphan(*kind) {
                Orphan::Remove => doomed.push(key),
                Orphan::Live(life) => slots.push(pipeline.push(&Expire::new(key, life))),
            }
        }
        if !doomed.is_empty() {
            done.removed += self.patient().run(&Unlink::new(doomed)).await?;
        }
        let mut replies = self.patient().pipeline(&pipeline).await?;
        for slot in slots {
            done.given_life += u64::from(replies.take(slot)?);
        }
        Ok(())
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
    fn memory_advice_follows_from_what_redis_says() {
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
