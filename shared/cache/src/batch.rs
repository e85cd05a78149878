//! Reading many entries at once, and filling the cache before anybody asks.

mod fill;

use super::Cache;
use super::lookup::Look;
use super::request::{Found, Loaded, Request};
use redis_client::command::MGet;
use redis_client::error::RedisError;
use redis_client::transport::Transport;

/// Why a warm-up stopped. What it had stored before stays, and nothing else is good.
#[derive(Debug, thiserror::Error)]
pub enum WarmError<E> {
    /// Redis does not answer, so there is nothing to fill.
    #[error("failed to warm up the cache: {0}")]
    Redis(#[source] RedisError),
    /// The source failed.
    #[error("failed to warm up the cache: the source failed")]
    Source(#[source] E),
}

impl<T: Transport> Cache<T> {
    /// The answers to `requests`, in their order: one command looks for all of them, `load` is called once with the
    /// places of those that are not there, and one pipeline stores what it answers. Stamps that are missing are
    /// written before the load, in one pipeline more.
    ///
    /// `load` answers one for each place, in their order; a place that it leaves out at the end is answered with "there is
    /// none", which is not stored.
    ///
    /// # Errors
    ///
    /// Those of `load`, unless every place has an entry past its time that may be served.
    pub async fn read_many<E>(
        &self,
        requests: &[Request],
        load: impl AsyncFnOnce(Vec<usize>) -> Result<Vec<Loaded>, E>,
    ) -> Result<Vec<Found>, E> {
        if requests.is_empty() {
            return Ok(Vec::new());
        }
        let began = self.now();
        let found = self.find_all(requests, load).await;
        let micros = self.now().0.saturating_sub(began.0);
        for (at, request) in requests.iter().enumerate() {
            let source = found.as_ref().ok().and_then(|found| Some(found.get(at)?.source));
            self.tally(request, |tally| tally.answered(source, micros));
        }
        found
    }

    async fn find_all<E>(
        &self,
        requests: &[Request],
        load: impl AsyncFnOnce(Vec<usize>) -> Result<Vec<Loaded>, E>,
    ) -> Result<Vec<Found>, E> {
        let looks = self.look_for_all(requests).await.ok();
        let now = self.now();
        let mut found: Vec<Option<Found>> = match &looks {
            Some(looks) => looks.iter().map(|look| look.fresh(now).and_then(|_| look.answer(now))).collect(),
            None => requests.iter().map(|request| self.remembered(request)).collect(),
        };
        let places: Vec<usize> =
            (0..).zip(&found).filter(|(_, found)| found.is_none()).map(|(at, _)| at).collect();
        if !places.is_empty() {
            let loaded = self.load_places(requests, looks.as_deref(), &places, load).await?;
            for (at, answer) in places.into_iter().zip(loaded) {
                if let Some(place) = found.get_mut(at) {
                    *place = Some(answer);
                }
            }
        }
        Ok(found.into_iter().flatten().collect())
    }

    /// Fills the cache with those of `requests`, [`CACHE_BATCH_MAX`](crate::limits::CACHE_BATCH_MAX) at most, that it does
    /// not have or that are past their time, which `load` answers as in [`Cache::read_many`]; how many it has stored, which
    /// leaves out what is too large. Nobody waits for the answers, so they do not count as reads.
    pub async fn warm<E>(
        &self,
        requests: &[Request],
        load: impl AsyncFnOnce(Vec<usize>) -> Result<Vec<Loaded>, E>,
    ) -> Result<usize, WarmError<E>> {
        if requests.is_empty() {
            return Ok(0);
        }
        let looks = self.look_for_all(requests).await.map_err(WarmError::Redis)?;
        let now = self.now();
        let wanting = (0..).zip(&looks).filter(|(_, look)| look.fresh(now).is_none());
        let places: Vec<usize> = wanting.map(|(at, _)| at).collect();
        if places.is_empty() {
            return Ok(0);
        }
        let pairs: Vec<_> =
            places.iter().filter_map(|at| Some((requests.get(*at)?, looks.get(*at)))).collect();
        let seen = self.stamp_all(&pairs).await.map_err(WarmError::Redis)?;
        let made_at = self.now();
        let loaded = self.timed_for(&pairs, load(places)).await.map_err(WarmError::Source)?;
        self.store_all(&pairs, &seen, &loaded, made_at).await.map_err(WarmError::Redis)
    }

    /// One look for all.
    async fn look_for_all(&self, requests: &[Request]) -> Result<Vec<Look>, RedisError> {
        let keys = requests.iter().flat_map(|request| std::iter::once(&request.key).chain(&request.tags));
        let values = self.redis.run(&MGet::new(keys)).await;
        let mut values = values
            .inspect_err(|_| requests.iter().take(1).for_each(|request| self.count_error(request)))?
            .into_iter();
        let look = |request: &Request| {
            let stored = values.next().flatten();
            let stamps = values.by_ref().take(request.tags.len()).collect();
            self.judge(request, stored.as_deref(), stamps)
        };
        Ok(requests.iter().map(look).collect())
    }
}
