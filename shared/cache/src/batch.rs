//! Reading many entries at once, and warming up the cache.

mod fill;

use super::lookup::Lookup;
use super::request::{Found, Loaded, Request};
use super::tags::TagVersion;
use super::{Cache, Clock};
use redis_client::command::mget;
use redis_client::error::RedisError;
use redis_client::transport::Transport;

/// Why a warm-up stopped. Entries that it had stored before stay valid.
#[derive(Debug, thiserror::Error)]
pub enum WarmError<E> {
    /// Redis does not respond.
    #[error("failed to warm up the cache: {0}")]
    Redis(#[source] RedisError),
    /// The source failed.
    #[error("failed to warm up the cache: the source failed")]
    Source(#[source] E),
}

impl<T: Transport, C: Clock> Cache<T, C> {
    /// Answers `requests` in their order: one command looks all of them up, `load` is called once with the
    /// indexes of the missing and stale ones, and one pipeline stores its results. Missing tag versions are
    /// written before the load by one more pipeline.
    ///
    /// `load` returns one result for each index, in order. If results are missing at the end, those requests
    /// are answered with "no record", which is not stored.
    ///
    /// # Errors
    ///
    /// Those of `load`, unless every index has a stale entry that may be served.
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
        for (at, request) in requests.iter().enumerate() {
            let source = found.as_ref().ok().and_then(|found| Some(found.get(at)?.source));
            self.count_answer(request, source, began);
        }
        found
    }

    async fn find_all<E>(
        &self,
        requests: &[Request],
        load: impl AsyncFnOnce(Vec<usize>) -> Result<Vec<Loaded>, E>,
    ) -> Result<Vec<Found>, E> {
        let lookups = self.lookup_all(requests).await.ok();
        let now = self.now();
        let mut found: Vec<Option<Found>> = match &lookups {
            Some(lookups) => {
                lookups.iter().map(|lookup| lookup.fresh(now).and_then(|_| lookup.answer(now))).collect()
            }
            None => requests.iter().map(|request| self.memory_answer(request)).collect(),
        };
        let indexes: Vec<usize> =
            (0..).zip(&found).filter(|(_, found)| found.is_none()).map(|(at, _)| at).collect();
        if !indexes.is_empty() {
            let loaded = self.load_missing(requests, lookups.as_deref(), &indexes, load).await?;
            for (at, answer) in indexes.into_iter().zip(loaded) {
                if let Some(slot) = found.get_mut(at) {
                    *slot = Some(answer);
                }
            }
        }
        Ok(found.into_iter().flatten().collect())
    }

    /// Fills the cache with those of `requests`, at most [`CACHE_BATCH_MAX`](crate::limits::CACHE_BATCH_MAX),
    /// that are missing or stale. `load` is as in [`Cache::read_many`]. Returns how many entries it stored;
    /// content that is too large is not stored. Not counted as reads.
    pub async fn warm<E>(
        &self,
        requests: &[Request],
        load: impl AsyncFnOnce(Vec<usize>) -> Result<Vec<Loaded>, E>,
    ) -> Result<usize, WarmError<E>> {
        if requests.is_empty() {
            return Ok(0);
        }
        let lookups = self.lookup_all(requests).await.map_err(WarmError::Redis)?;
        let now = self.now();
        let missing = (0..).zip(&lookups).filter(|(_, lookup)| lookup.fresh(now).is_none());
        let indexes: Vec<usize> = missing.map(|(at, _)| at).collect();
        if indexes.is_empty() {
            return Ok(0);
        }
        let pairs: Vec<_> =
            indexes.iter().filter_map(|at| Some((requests.get(*at)?, lookups.get(*at)))).collect();
        let digests = self.write_missing_versions(&pairs).await.map_err(WarmError::Redis)?;
        let loaded_at = self.now();
        let loaded = self
            .timed(pairs.iter().map(|(request, _)| *request), load(indexes))
            .await
            .map_err(WarmError::Source)?;
        self.store_all(&pairs, &digests, &loaded, loaded_at).await.map_err(WarmError::Redis)
    }

    /// Looks up all requests with one command.
    async fn lookup_all(&self, requests: &[Request]) -> Result<Vec<Lookup>, RedisError> {
        let keys = requests.iter().flat_map(|request| std::iter::once(&request.key).chain(&request.tags));
        let values = self.redis.run(&mget(keys)).await;
        let mut values = values
            .inspect_err(|_| requests.iter().take(1).for_each(|request| self.count_error(request)))?
            .into_iter();
        let lookup = |request: &Request| {
            let stored = values.next().flatten();
            let versions = values.by_ref().take(request.tags.len());
            let versions = versions.map(|version| version.map(TagVersion)).collect();
            self.evaluate(request, stored.as_deref(), versions)
        };
        Ok(requests.iter().map(lookup).collect())
    }
}
