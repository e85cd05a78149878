//! Get or set: an answer from the cache, or from the source and then the cache.
//!
//! ```text
//! look (MGET) ── fresh, and the dice do not say "early" ──────────────────────────► answer
//!      │
//!      ├─ another reader of this process loads ── something to serve ─────────────► answer from the entry
//!      │                                       └─ nothing ── wait ────────────────► its answer
//!      └─ claim (nothing, SET NX) ── ours ── load ── store (SET) ─────────────────► answer
//!                                 └─ theirs ── something to serve ────────────────► answer from the entry
//!                                           └─ nothing ── pause, look again, at most CACHE_LOOKUPS_MAX times
//! ```

use std::time::Duration;

use super::Cache;
use super::early_refresh::refreshes_early;
use super::lease::Claim;
use super::lookup::Look;
use super::request::{Found, Loaded, Request, Source};
use super::single_flight::{Boarding, Lead};
use super::tags::Seen;
use crate::limits::{CACHE_LOOKUP_PAUSE_MILLIS, CACHE_LOOKUPS_MAX, CACHE_TURNS_MAX};
use redis_client::error::RedisError;
use redis_client::transport::Transport;

/// How a reader that leads came to its right to load.
enum Right {
    /// It loads and stores what it loads, under these stamps.
    Store(Seen),
    /// It loads, and cannot store it: a stamp is missing.
    LoadOnly,
    /// It need not: there is an answer by now.
    Answered(Found),
}

impl<T: Transport> Cache<T> {
    /// The answer to `request`: from the cache if that has one that is good and no older than [`Request::min`], otherwise
    /// from `load`.
    ///
    /// # Errors
    ///
    /// Those of `load`, if the cache has nothing that may be served. Redis's own never reach the caller.
    pub async fn read<E>(
        &self,
        request: &Request,
        load: impl AsyncFnOnce() -> Result<Loaded, E>,
    ) -> Result<Found, E> {
        let began = self.now();
        let answer = self.find(request, load).await;
        let micros = self.now().0.saturating_sub(began.0);
        self.tally(request, |tally| tally.answered(answer.as_ref().ok().map(|found| found.source), micros));
        answer
    }

    async fn find<E>(
        &self,
        request: &Request,
        load: impl AsyncFnOnce() -> Result<Loaded, E>,
    ) -> Result<Found, E> {
        let mut turns = 0;
        loop {
            let Ok(look) = self.look(request).await.inspect_err(|_| self.count_error(request)) else {
                return self.read_alone(request, load).await;
            };
            if let Some(found) = self.hit(&look) {
                return Ok(found);
            }
            let lead = match self.flights.board(&request.key, look.seen) {
                Boarding::Lead(lead) => lead,
                _ if turns >= CACHE_TURNS_MAX => self.flights.overtake(&request.key),
                Boarding::Other => {
                    turns += 1;
                    continue;
                }
                Boarding::Follow(follow) => {
                    if let Some(found) = look.answer(self.now()) {
                        return Ok(found);
                    }
                    turns += 1;
                    match follow.await.filter(|found| found.as_of() >= request.min) {
                        Some(found) => return Ok(found),
                        None => continue,
                    }
                }
            };
            return self.lead(&lead, request, look, load).await;
        }
    }

    /// The entry that was found, if it is fresh and this reader is not the one that loads it anew early.
    fn hit(&self, look: &Look) -> Option<Found> {
        let now = self.now();
        let entry = look.fresh(now)?;
        // What is known not to be there costs little to ask for again.
        let left = entry.fresh_until.0 - now.0;
        let early = entry.payload.is_some() && refreshes_early(self.draw(), entry.took_micros, left);
        if early { None } else { look.answer(now) }
    }

    /// Loads for `request` after `look`, if nobody else does.
    async fn lead<E>(
        &self,
        lead: &Lead<'_>,
        request: &Request,
        mut look: Look,
        load: impl AsyncFnOnce() -> Result<Loaded, E>,
    ) -> Result<Found, E> {
        let seen = match self.right_to_load(request, &mut look).await {
            Ok(Right::Answered(found)) => return Ok(found),
            Ok(Right::Store(seen)) => Some(seen),
            Ok(Right::LoadOnly) => None,
            Err(_) => {
                self.count_error(request);
                return match look.answer(self.now()) {
                    Some(found) => Ok(found),
                    None => self.load_alone(lead, request, load).await,
                };
            }
        };
        lead.depart(seen);
        let made_at = self.now();
        let loaded = match self.timed(request, load).await {
            Ok(loaded) => loaded,
            Err(error) => return look.answer(self.now()).ok_or(error),
        };
        let found = Found { loaded, source: Source::Loaded, made_at };
        lead.land(seen, &found);
        if seen.is_some() {
            self.store(request, &found, seen).await;
        }
        Ok(found)
    }

    /// Waits for the right to load, or for another process to have loaded.
    async fn right_to_load(&self, request: &Request, look: &mut Look) -> Result<Right, RedisError> {
        for _ in 0..CACHE_LOOKUPS_MAX {
            match self.claim(request, look).await? {
                Claim::Ours(seen) => return Ok(Right::Store(seen)),
                Claim::Theirs => {
                    if let Some(found) = look.answer(self.now()) {
                        return Ok(Right::Answered(found));
                    }
                    let pause = Duration::from_millis(CACHE_LOOKUP_PAUSE_MILLIS);
                    self.redis.transport().wait(pause).await;
                }
                Claim::LookAgain => {}
            }
            *look = self.look(request).await?;
            if let Some(found) = look.answer(self.now()) {
                return Ok(Right::Answered(found));
            }
        }
        // Whoever was to load is slow or gone.
        Ok(look.seen.map_or(Right::LoadOnly, Right::Store))
    }

    /// Stores what was found. If that fails, the next reader loads again, and this one knows no difference.
    async fn store(&self, request: &Request, found: &Found, seen: Option<Seen>) {
        let Some(ready) = self.ready(request, &found.loaded, seen, found.made_at) else { return };
        if self.redis.run(&ready.set(&request.key)).await.is_err() {
            self.count_error(request);
        }
    }

    /// Loads, and counts how long it took and whether it failed.
    pub(super) async fn timed<E>(
        &self,
        request: &Request,
        load: impl AsyncFnOnce() -> Result<Loaded, E>,
    ) -> Result<Loaded, E> {
        let began = self.now();
        let loaded = load().await;
        let micros = self.now().0.saturating_sub(began.0);
        self.tally(request, |tally| tally.loaded(loaded.is_ok(), micros));
        loaded
    }
}
