//! Loading what a batch lacks, and storing it.

use std::collections::BTreeMap;

use crate::cache::Cache;
use crate::cache::claim::first_stamp;
use crate::cache::look::Look;
use crate::cache::request::{Found, Loaded, Request, Source};
use crate::cache::tags::{Seen, draw_stamp};
use crate::limits::REDIS_REQUEST_BYTES_MAX;
use crate::micros::Micros;
use crate::redis::error::RedisError;
use crate::redis::keys::Key;
use crate::redis::pipeline::Pipeline;
use crate::redis::transport::Transport;

impl<T: Transport> Cache<T> {
    /// Loads what is wanting at `places`, and stores it; the answers in the order of the places.
    pub(super) async fn load_places<E>(
        &self,
        requests: &[Request],
        looks: Option<&[Look]>,
        places: &[usize],
        load: impl AsyncFnOnce(Vec<usize>) -> Result<Vec<Loaded>, E>,
    ) -> Result<Vec<Found>, E> {
        let look_at = |at: &usize| looks.and_then(|looks| looks.get(*at));
        let pairs: Vec<(&Request, Option<&Look>)> =
            places.iter().filter_map(|at| Some((requests.get(*at)?, look_at(at)))).collect();
        let seen = self.stamp_all(&pairs).await.unwrap_or_else(|_| vec![None; pairs.len()]);
        let (forgotten, made_at) = (self.memory().forgotten(), self.now());
        let loaded = match load(places.to_vec()).await {
            Ok(loaded) => loaded,
            Err(error) => {
                let now = self.now();
                let stale = pairs.iter().map(|(_, look)| look.and_then(|look| look.answer(now)));
                return stale.collect::<Option<Vec<_>>>().ok_or(error);
            }
        };
        if looks.is_some() {
            self.store_all(&pairs, &seen, &loaded, made_at).await;
        } else {
            for ((request, _), loaded) in
                pairs.iter().zip(&loaded).filter(|((request, _), _)| request.kind.rules().memory)
            {
                self.memory().put(request, loaded, made_at, forgotten);
            }
        }
        let answers = loaded.into_iter().chain(std::iter::repeat_with(|| Loaded::none(0)));
        let found = |loaded| Found { loaded, source: Source::Loaded, made_at };
        Ok(answers.take(places.len()).map(found).collect())
    }

    /// What each entry may hold as seen, after the stamps that nobody had written were written.
    async fn stamp_all(&self, pairs: &[(&Request, Option<&Look>)]) -> Result<Vec<Option<Seen>>, RedisError> {
        let looks = pairs.iter().filter_map(|(request, look)| Some((request, (*look)?)));
        let missing: BTreeMap<&Key, String> = looks
            .flat_map(|(request, look)| look.missing(request))
            .map(|tag| (tag, draw_stamp(self.random)))
            .collect();
        let mut pipeline = Pipeline::new();
        let slots: Vec<_> = missing
            .iter()
            .map(|(tag, stamp)| (*tag, stamp, pipeline.push(&first_stamp(tag, stamp))))
            .collect();
        let mut replies = self.redis.pipeline(&pipeline).await?;
        let mut ours: BTreeMap<&Key, &String> = BTreeMap::new();
        for (tag, stamp, slot) in slots {
            // One that somebody else wrote first is not known here: what needs it is not stored.
            if replies.take(slot)? {
                ours.insert(tag, stamp);
            }
        }
        let seen = |(request, look): &(&Request, Option<&Look>)| {
            let stamps = request.tags.iter().zip(&(*look)?.stamps);
            let stamp = |tag: &Key| ours.get(tag).map(|stamp| stamp.as_bytes());
            let known = stamps.map(|(tag, found)| (tag, found.as_deref().or_else(|| stamp(tag))));
            Seen::of(known.collect::<Vec<_>>())
        };
        Ok(pairs.iter().map(seen).collect())
    }

    async fn store_all(
        &self,
        pairs: &[(&Request, Option<&Look>)],
        seen: &[Option<Seen>],
        loaded: &[Loaded],
        made_at: Micros,
    ) {
        for (pipeline, last) in self.pipelines(pairs, seen, loaded, made_at) {
            // The next reader loads what could not be stored, and this one knows no difference.
            if self.redis.pipeline(&pipeline).await.is_err() {
                self.count_error(last);
            }
        }
    }

    /// What stores all that may be stored, in as many requests as it takes, each with the last of its entries.
    fn pipelines<'r>(
        &self,
        pairs: &[(&'r Request, Option<&Look>)],
        seen: &[Option<Seen>],
        loaded: &[Loaded],
        made_at: Micros,
    ) -> Vec<(Pipeline, &'r Request)> {
        let mut pipelines: Vec<(Pipeline, &Request)> = Vec::new();
        let mut bytes = 0;
        for ((&(request, _), &seen), loaded) in pairs.iter().zip(seen).zip(loaded) {
            let Some(seen) = seen else { continue };
            let Some(ready) = self.ready(request, loaded, Some(seen), made_at) else { continue };
            let more = written_bytes(loaded.len());
            match pipelines.last_mut().filter(|_| bytes + more <= REDIS_REQUEST_BYTES_MAX) {
                Some((pipeline, last)) => {
                    bytes += more;
                    pipeline.push(&ready.set(&request.key));
                    *last = request;
                }
                None => {
                    bytes = more;
                    let mut pipeline = Pipeline::new();
                    pipeline.push(&ready.set(&request.key));
                    pipelines.push((pipeline, request));
                }
            }
        }
        pipelines
    }
}

/// Bytes of a command that stores an entry, at most, whose content is `len` bytes: as a JSON string it may double.
fn written_bytes(len: usize) -> usize {
    2 * len + 4096
}
