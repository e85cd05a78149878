//! Loading and storing the missing entries of a batch.

use std::collections::BTreeMap;

use crate::lease::set_version_if_missing;
use crate::lookup::Lookup;
use crate::request::{Found, Loaded, Request, Source};
use crate::tags::{TagDigest, TagVersion};
use crate::{Cache, Clock};
use protocol::timestamp::Timestamp;
use redis_client::error::RedisError;
use redis_client::keys::Key;
use redis_client::limits::REDIS_REQUEST_BYTES_MAX;
use redis_client::pipeline::{Pipeline, Slot};
use redis_client::transport::Transport;

/// Requests to load, each with its lookup, unless Redis is down.
type Pairs<'r> = [(&'r Request, Option<&'r Lookup>)];

impl<T: Transport, C: Clock> Cache<T, C> {
    /// Loads and stores the requests at `indexes`; returns the answers in the order of `indexes`.
    pub(super) async fn load_missing<E>(
        &self,
        requests: &[Request],
        lookups: Option<&[Lookup]>,
        indexes: &[usize],
        load: impl AsyncFnOnce(Vec<usize>) -> Result<Vec<Loaded>, E>,
    ) -> Result<Vec<Found>, E> {
        let lookup = |at: usize| lookups.and_then(|lookups| lookups.get(at));
        let pairs: Vec<(&Request, Option<&Lookup>)> =
            indexes.iter().filter_map(|at| Some((requests.get(*at)?, lookup(*at)))).collect();
        let digests = self.write_missing_versions(&pairs).await.unwrap_or_else(|_| vec![None; pairs.len()]);
        let (invalidations, loaded_at) = (self.memory().invalidations(), self.now());
        let loaded = self.timed(pairs.iter().map(|(request, _)| *request), load(indexes.to_vec())).await;
        let loaded = match loaded {
            Ok(loaded) => loaded,
            Err(error) => {
                let now = self.now();
                let stale = pairs.iter().map(|(_, lookup)| lookup.and_then(|lookup| lookup.answer(now)));
                return stale.collect::<Option<Vec<_>>>().ok_or(error);
            }
        };
        if lookups.is_some() {
            // A failure costs the next reader a load, and this one nothing.
            let _ = self.store_all(&pairs, &digests, &loaded, loaded_at).await;
        }
        let found = |loaded| Found { loaded, source: Source::Loaded, loaded_at };
        let found: Vec<Found> = loaded.into_iter().map(found).collect();
        if lookups.is_none() {
            for ((request, _), found) in pairs.iter().zip(&found) {
                self.keep_in_memory(request, found, invalidations);
            }
        }
        let missing = || Found { loaded: Loaded::none(0), source: Source::Loaded, loaded_at };
        Ok(found.into_iter().chain(std::iter::repeat_with(missing)).take(indexes.len()).collect())
    }

    /// Writes the tag versions that are missing, and returns the digest of each request's tags.
    pub(super) async fn write_missing_versions(
        &self,
        pairs: &Pairs<'_>,
    ) -> Result<Vec<Option<TagDigest>>, RedisError> {
        let lookups = pairs.iter().filter_map(|(request, lookup)| Some((request, (*lookup)?)));
        let missing: BTreeMap<&Key, TagVersion> = lookups
            .flat_map(|(request, lookup)| lookup.tags_without_version(request))
            .map(|tag| (tag, TagVersion::draw(self.random)))
            .collect();
        let mut pipeline = Pipeline::new();
        let slots: Vec<_> = missing
            .iter()
            .map(|(tag, version)| (*tag, version, pipeline.push(set_version_if_missing(tag, version))))
            .collect();
        let mut replies = self.redis.pipeline(&pipeline).await?;
        let mut written: BTreeMap<&Key, &TagVersion> = BTreeMap::new();
        for (tag, version, slot) in slots {
            // A version that another process wrote first is unknown here: entries that need it are not
            // stored.
            if replies.take(slot)? {
                written.insert(tag, version);
            }
        }
        let digest = |(request, lookup): &(&Request, Option<&Lookup>)| {
            let versions = request.tags.iter().zip(&(*lookup)?.versions);
            let known =
                versions.map(|(tag, version)| (tag, version.as_ref().or_else(|| written.get(tag).copied())));
            TagDigest::of(known)
        };
        Ok(pairs.iter().map(digest).collect())
    }

    /// Stores all entries that have a digest and fit, and returns their number. Stops at the first request
    /// that Redis does not respond to.
    pub(super) async fn store_all(
        &self,
        pairs: &Pairs<'_>,
        digests: &[Option<TagDigest>],
        loaded: &[Loaded],
        loaded_at: Timestamp,
    ) -> Result<usize, RedisError> {
        let mut stored = 0;
        for batch in self.store_batches(pairs, digests, loaded, loaded_at) {
            let replies = self.redis.pipeline(&batch.pipeline).await;
            let mut replies = replies.inspect_err(|_| self.count_error(batch.last))?;
            for slot in batch.slots {
                stored += usize::from(replies.take(slot).unwrap_or_default());
            }
        }
        Ok(stored)
    }

    /// The commands that store all entries that have a digest and fit, in requests of the permitted size.
    fn store_batches<'r>(
        &self,
        pairs: &Pairs<'r>,
        digests: &[Option<TagDigest>],
        loaded: &[Loaded],
        loaded_at: Timestamp,
    ) -> Vec<StoreBatch<'r>> {
        let mut batches: Vec<StoreBatch<'r>> = Vec::new();
        for ((&(request, _), &digest), loaded) in pairs.iter().zip(digests).zip(loaded) {
            if digest.is_none() {
                continue;
            }
            let Some(entry) = self.encode(request, loaded, digest, loaded_at) else { continue };
            let bytes = command_bytes_max(loaded.len());
            let fits = batches.last().is_some_and(|batch| batch.bytes + bytes <= REDIS_REQUEST_BYTES_MAX);
            if !fits {
                batches.push(StoreBatch::new(request));
            }
            if let Some(batch) = batches.last_mut() {
                batch.slots.push(batch.pipeline.push(entry.set(&request.key)));
                batch.bytes += bytes;
                batch.last = request;
            }
        }
        batches
    }
}

/// One request that stores entries.
struct StoreBatch<'r> {
    pipeline: Pipeline,
    slots: Vec<Slot<bool>>,
    bytes: usize,
    last: &'r Request,
}

impl<'r> StoreBatch<'r> {
    fn new(last: &'r Request) -> StoreBatch<'r> {
        StoreBatch { pipeline: Pipeline::new(), slots: Vec::new(), bytes: 0, last }
    }
}

/// Maximum bytes of a command that stores `len` bytes of content: a JSON string may be twice as long.
fn command_bytes_max(len: usize) -> usize {
    2 * len + 4096
}
