//! Reading while Redis is away: from the process's own memory for some seconds, and otherwise from the source.

use super::Cache;
use super::request::{Found, Loaded, Request, Source};
use super::single_flight::{Boarding, Lead};
use crate::limits::CACHE_TURNS_MAX;
use protocol::timestamp::Timestamp;
use redis_client::transport::Transport;

impl<T: Transport> Cache<T> {
    /// Answers `request` without Redis.
    pub(super) async fn read_alone<E>(
        &self,
        request: &Request,
        load: impl AsyncFnOnce() -> Result<Loaded, E>,
    ) -> Result<Found, E> {
        if let Some(found) = self.remembered(request) {
            return Ok(found);
        }
        let mut turns = 0;
        let lead = loop {
            match self.flights.board_alone(&request.key) {
                Boarding::Lead(lead) => break lead,
                Boarding::Follow(follow) if turns < CACHE_TURNS_MAX => {
                    turns += 1;
                    if let Some(found) = follow.await.filter(|found| found.as_of() >= request.min) {
                        return Ok(found);
                    }
                }
                Boarding::Follow(_) | Boarding::Other => break self.flights.overtake(&request.key),
            }
        };
        self.load_alone(&lead, request, load).await
    }

    /// Loads for `request` as `lead`, without Redis.
    pub(super) async fn load_alone<E>(
        &self,
        lead: &Lead<'_>,
        request: &Request,
        load: impl AsyncFnOnce() -> Result<Loaded, E>,
    ) -> Result<Found, E> {
        lead.depart(None);
        let (forgotten, made_at) = (self.memory().forgotten(), self.now());
        let loaded = self.timed(request, load).await?;
        if request.kind.rules().memory {
            self.memory().put(request, &loaded, made_at, forgotten);
        }
        let found = Found { loaded, source: Source::Loaded, made_at };
        lead.land(None, &found);
        Ok(found)
    }

    /// What the process itself remembers.
    pub(super) fn remembered(&self, request: &Request) -> Option<Found> {
        if !request.kind.rules().memory {
            return None;
        }
        let (loaded, made_at): (Loaded, Timestamp) = self.memory().get(request, self.now())?;
        Some(Found { loaded, source: Source::Memory, made_at })
    }
}
