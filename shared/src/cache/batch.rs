//! Reading many entries at once, and filling the cache before anybody asks.

use std::collections::BTreeMap;

use super::Cache;
use super::claim::first_stamp;
use super::look::Look;
use super::request::{Found, Loaded, Request, Source};
use super::tags::{Seen, draw_stamp};
use crate::limits::{CACHE_BATCH_MAX, CACHE_WARM_MAX};
use crate::micros::Micros;
use crate::redis::command::MGet;
use crate::redis::error::RedisError;
use crate::redis::keys::Key;
use crate::redis::pipeline::Pipeline;
use crate::redis::transport::Transport;

/// What a warm-up did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Warmed {
    /// Entries it looked for.
    pub looked: usize,
    /// Those among them that it loaded.
    pub loaded: usize,
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
        let looks = self.look_for_all(requests).await;
        let mut found: Vec<Option<Found>> = match &looks {
            Some(looks) => {
                looks.iter().map(|look| look.fresh(began).and_then(|_| look.answer(began))).collect()
            }
            None => requests.iter().map(|request| self.remembered(request)).collect(),
        };
        let places: Vec<usize> =
            (0..requests.len()).filter(|at| matches!(found.get(*at), Some(None))).collect();
        if !places.is_empty() {
            let loaded = self.load_places(requests, looks.as_deref(), &places, load).await?;
            for (at, answer) in places.into_iter().zip(loaded) {
                if let Some(place) = found.get_mut(at) {
                    *place = Some(answer);
                }
            }
        }
        let micros = self.now().0.saturating_sub(began.0);
        for (request, found) in requests.iter().zip(&found) {
            self.tally(request, |tally| tally.answered(found.as_ref().map(|found| found.source), micros));
        }
        Ok(found.into_iter().flatten().collect())
    }

    /// Fills the cache with what `requests` name and it does not have: [`CACHE_WARM_MAX`] at most, [`CACHE_BATCH_MAX`] at
    /// once, which `load` answers one by one.
    ///
    /// # Errors
    ///
    /// Those of `load`; what was stored before stays.
    pub async fn warm<E>(
        &self,
        requests: impl IntoIterator<Item = Request>,
        mut load: impl AsyncFnMut(Vec<Request>) -> Result<Vec<Loaded>, E>,
    ) -> Result<Warmed, E> {
        let mut requests = requests.into_iter().take(CACHE_WARM_MAX);
        let mut warmed = Warmed::default();
        loop {
            let batch: Vec<Request> = requests.by_ref().take(CACHE_BATCH_MAX).collect();
            if batch.is_empty() {
                return Ok(warmed);
            }
            warmed.looked += batch.len();
            let mut missing = 0;
            let load_batch = async |places: Vec<usize>| {
                missing = places.len();
                load(places.iter().filter_map(|at| batch.get(*at)).cloned().collect()).await
            };
            self.read_many(&batch, load_batch).await?;
            warmed.loaded += missing;
        }
    }

    /// One look for all; nothing if Redis does not answer.
    async fn look_for_all(&self, requests: &[Request]) -> Option<Vec<Look>> {
        let keys = requests.iter().flat_map(|request| std::iter::once(&request.key).chain(&request.tags));
        let values = self.redis.run(&MGet::new(keys)).await;
        let mut values = values
            .inspect_err(|_| requests.iter().take(1).for_each(|request| self.count_error(request)))
            .ok()?
            .into_iter();
        let look = |request: &Request| {
            let stored = values.next().flatten();
            let stamps = values.by_ref().take(request.tags.len()).collect();
            self.judge(request, stored.as_deref(), stamps)
        };
        Some(requests.iter().map(look).collect())
    }

    async fn load_places<E>(
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
        let mut pipeline = Pipeline::new();
        for (((request, _), seen), loaded) in pairs.iter().zip(seen).zip(loaded) {
            if let Some(ready) = seen.and_then(|seen| self.ready(request, loaded, Some(seen), made_at)) {
                pipeline.push(&ready.set(&request.key));
            }
        }
        // The next reader loads what could not be stored, and this one knows no difference.
        if let (Err(_), Some((request, _))) = (self.redis.pipeline(&pipeline).await, pairs.first()) {
            self.count_error(request);
        }
    }
}
