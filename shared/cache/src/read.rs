//! Read-through: answers from the cache, or from the source and stores the result.
//!
//! ```text
//! lookup (MGET) ── fresh, no early refresh ───────────────────────────────────────► answer
//!      │
//!      ├─ another reader of this process loads ── stale entry ────────────────────► answer from the entry
//!      │                                       └─ no entry ── wait ───────────────► its answer
//!      └─ lease (no command, or SET NX) ── granted ── load ── store (SET) ────────► answer
//!                                       └─ held ── stale entry ───────────────────► answer from the entry
//!                                               └─ no entry ── pause, look up again (CACHE_LOOKUPS_MAX)
//! ```

use std::time::Duration;

use super::early_refresh::refreshes_early;
use super::lease::Lease;
use super::lookup::Lookup;
use super::request::{Found, Loaded, Request, Source};
use super::single_flight::{Join, Leader};
use super::tags::TagDigest;
use super::{Cache, Clock};
use crate::limits::{CACHE_LOOKUP_PAUSE_MILLIS, CACHE_LOOKUPS_MAX, CACHE_TURNS_MAX};
use redis_client::error::RedisError;
use redis_client::transport::Transport;

/// What a leader may do.
enum LoadRight {
    /// Load, and store the result with this digest.
    LoadAndStore(TagDigest),
    /// Load, but not store: a tag version is missing.
    LoadOnly,
    /// Nothing: another process has loaded.
    Answered(Found),
}

impl<T: Transport, C: Clock> Cache<T, C> {
    /// Answers `request` from the cache if it has a valid entry of version [`Request::min`] or later,
    /// otherwise from `load`.
    ///
    /// # Errors
    ///
    /// Those of `load`, if the cache has no entry that may be served. Redis's errors never reach the caller.
    pub async fn read<E>(
        &self,
        request: &Request,
        load: impl AsyncFnOnce() -> Result<Loaded, E>,
    ) -> Result<Found, E> {
        let began = self.now();
        let answer = self.find(request, load).await;
        self.count_answer(request, answer.as_ref().ok().map(|found| found.source), began);
        answer
    }

    async fn find<E>(
        &self,
        request: &Request,
        load: impl AsyncFnOnce() -> Result<Loaded, E>,
    ) -> Result<Found, E> {
        let mut turns = 0;
        loop {
            let Ok(lookup) = self.lookup(request).await.inspect_err(|_| self.count_error(request)) else {
                return self.read_without_redis(request, load).await;
            };
            if let Some(found) = self.hit(&lookup) {
                return Ok(found);
            }
            let leader = match self.single_flight.join(&request.key, lookup.digest) {
                Join::Leader(leader) => leader,
                _ if turns >= CACHE_TURNS_MAX => self.single_flight.take_over(&request.key),
                Join::Conflict => {
                    turns += 1;
                    continue;
                }
                Join::Follower(follower) => {
                    if let Some(found) = lookup.answer(self.now()) {
                        return Ok(found);
                    }
                    turns += 1;
                    match follower.await.filter(|found| found.as_of() >= request.min) {
                        Some(found) => return Ok(found),
                        None => continue,
                    }
                }
            };
            return self.lead(&leader, request, lookup, load).await;
        }
    }

    /// The answer from a fresh entry, unless this reader refreshes it early.
    fn hit(&self, lookup: &Lookup) -> Option<Found> {
        let now = self.now();
        let entry = lookup.fresh(now)?;
        // A missing record is cheap to ask for again.
        let left = entry.fresh_until.0 - now.0;
        let early = entry.payload.is_some() && refreshes_early(self.draw(), entry.took_micros, left);
        if early { None } else { lookup.answer(now) }
    }

    /// Loads for `request` after `lookup`, unless another process does.
    async fn lead<E>(
        &self,
        leader: &Leader<'_>,
        request: &Request,
        mut lookup: Lookup,
        load: impl AsyncFnOnce() -> Result<Loaded, E>,
    ) -> Result<Found, E> {
        let digest = match self.right_to_load(request, &mut lookup).await {
            Ok(LoadRight::Answered(found)) => return Ok(found),
            Ok(LoadRight::LoadAndStore(digest)) => Some(digest),
            Ok(LoadRight::LoadOnly) => None,
            Err(_) => {
                self.count_error(request);
                return match lookup.answer(self.now()) {
                    Some(found) => Ok(found),
                    None => self.load_without_redis(leader, request, load).await,
                };
            }
        };
        leader.start(digest);
        let loaded_at = self.now();
        let loaded = match self.timed([request], load()).await {
            Ok(loaded) => loaded,
            Err(error) => return lookup.answer(self.now()).ok_or(error),
        };
        let found = Found { loaded, source: Source::Loaded, loaded_at };
        leader.complete(digest, &found);
        if digest.is_some() {
            self.store(request, &found, digest).await;
        }
        Ok(found)
    }

    /// Waits for a lease, or for the entry that its holder stores.
    async fn right_to_load(&self, request: &Request, lookup: &mut Lookup) -> Result<LoadRight, RedisError> {
        for _ in 0..CACHE_LOOKUPS_MAX {
            match self.acquire_lease(request, lookup).await? {
                Lease::Granted(digest) => return Ok(LoadRight::LoadAndStore(digest)),
                Lease::Held => {
                    if let Some(found) = lookup.answer(self.now()) {
                        return Ok(LoadRight::Answered(found));
                    }
                    self.clock.sleep(Duration::from_millis(CACHE_LOOKUP_PAUSE_MILLIS)).await;
                }
                Lease::Retry => {}
            }
            *lookup = self.lookup(request).await?;
            if let Some(found) = lookup.answer(self.now()) {
                return Ok(LoadRight::Answered(found));
            }
        }
        // The holder of the lease is slow or gone.
        Ok(lookup.digest.map_or(LoadRight::LoadOnly, LoadRight::LoadAndStore))
    }

    /// Stores an answer. A failure costs the next reader a load, and this one nothing.
    async fn store(&self, request: &Request, found: &Found, digest: Option<TagDigest>) {
        let Some(entry) = self.encode(request, &found.loaded, digest, found.loaded_at) else { return };
        if self.redis.run(&entry.set(&request.key)).await.is_err() {
            self.count_error(request);
        }
    }

    /// Waits for a load, and counts its time and failure for each of `requests`.
    pub(super) async fn timed<'r, L, E>(
        &self,
        requests: impl IntoIterator<Item = &'r Request>,
        load: impl Future<Output = Result<L, E>>,
    ) -> Result<L, E> {
        let began = self.now();
        let loaded = load.await;
        let micros = self.now().0.saturating_sub(began.0);
        for request in requests {
            self.count(request, |counts| counts.load(loaded.is_ok(), micros));
        }
        loaded
    }
}
