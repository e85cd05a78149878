//! Reads while Redis is down: from the process's own memory for a few seconds, otherwise from the source.

use super::request::{Found, Loaded, Request, Source};
use super::single_flight::{Join, Leader};
use super::{Cache, Clock};
use crate::limits::CACHE_TURNS_MAX;
use redis_client::transport::Transport;

impl<T: Transport, C: Clock> Cache<T, C> {
    /// Answers `request` without Redis.
    pub(super) async fn read_without_redis<E>(
        &self,
        request: &Request,
        load: impl AsyncFnOnce() -> Result<Loaded, E>,
    ) -> Result<Found, E> {
        if let Some(found) = self.memory_answer(request) {
            return Ok(found);
        }
        let mut turns = 0;
        let leader = loop {
            match self.single_flight.join_without_redis(&request.key) {
                Join::Leader(leader) => break leader,
                Join::Follower(follower) if turns < CACHE_TURNS_MAX => {
                    turns += 1;
                    if let Some(found) = follower.await.filter(|found| found.as_of() >= request.min) {
                        return Ok(found);
                    }
                }
                Join::Follower(_) | Join::Conflict => break self.single_flight.take_over(&request.key),
            }
        };
        self.load_without_redis(&leader, request, load).await
    }

    /// Loads for `request` without Redis.
    pub(super) async fn load_without_redis<E>(
        &self,
        leader: &Leader<'_>,
        request: &Request,
        load: impl AsyncFnOnce() -> Result<Loaded, E>,
    ) -> Result<Found, E> {
        leader.start(None);
        let (invalidations, loaded_at) = (self.memory().invalidations(), self.now());
        let loaded = self.timed([request], load()).await?;
        let found = Found { loaded, source: Source::Loaded, loaded_at };
        self.keep_in_memory(request, &found, invalidations);
        leader.complete(None, &found);
        Ok(found)
    }

    /// The answer from memory, if the kind allows it.
    pub(super) fn memory_answer(&self, request: &Request) -> Option<Found> {
        if !request.kind.rules().memory {
            return None;
        }
        self.memory().get(request, self.now())
    }

    /// Keeps an answer in memory if the kind allows it and nothing was invalidated since `invalidations` was
    /// read.
    pub(super) fn keep_in_memory(&self, request: &Request, found: &Found, invalidations: u64) {
        if request.kind.rules().memory {
            self.memory().put(request, found, invalidations);
        }
    }
}
