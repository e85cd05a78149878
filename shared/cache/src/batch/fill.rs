//! Loading what a batch lacks, and storing it.

use std::collections::BTreeMap;

use crate::Cache;
use crate::lease::first_stamp;
use crate::lookup::Look;
use crate::request::{Found, Loaded, Request, Source};
use crate::tags::{Seen, draw_stamp};
use protocol::timestamp::Timestamp;
use redis_client::command::Set;
use redis_client::error::RedisError;
use redis_client::keys::Key;
use redis_client::limits::REDIS_REQUEST_BYTES_MAX;
use redis_client::pipeline::{Pipeline, Slot};
use redis_client::transport::Transport;

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
        let loaded = match self.timed_for(&pairs, load(places.to_vec())).await {
            Ok(loaded) => loaded,
            Err(error) => {
                let now = self.now();
                let stale = pairs.iter().map(|(_, look)| look.and_then(|look| look.answer(now)));
                return stale.collect::<Option<Vec<_>>>().ok_or(error);
            }
        };
        if looks.is_some() {
            // The next reader loads what could not be stored, and this one knows no difference.
            let _ = self.store_all(&pairs, &seen, &loaded, made_at).await;
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
    pub(super) async fn stamp_all(
        &self,
        pairs: &[(&Request, Option<&Look>)],
    ) -> Result<Vec<Option<Seen>>, RedisError> {
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

    /// Waits for a load, and counts for each of what it is for how long it took and whether it failed.
    pub(super) async fn timed_for<E>(
        &self,
        pairs: &[(&Request, Option<&Look>)],
        load: impl Future<Output = Result<Vec<Loaded>, E>>,
    ) -> Result<Vec<Loaded>, E> {
        let began = self.now();
        let loaded = load.await;
        let micros = self.now().0.saturating_sub(began.0);
        for (request, _) in pairs {
            self.tally(request, |tally| tally.loaded(loaded.is_ok(), micros));
        }
        loaded
    }

    /// Stores all that may be stored, and says how many that were. The first request that Redis does not answer is the
    /// last.
    pub(super) async fn store_all(
        &self,
        pairs: &[(&Request, Option<&Look>)],
        seen: &[Option<Seen>],
        loaded: &[Loaded],
        made_at: Timestamp,
    ) -> Result<usize, RedisError> {
        let mut stored = 0;
        for parcel in self.parcels(pairs, seen, loaded, made_at) {
            let replies = self.redis.pipeline(&parcel.pipeline).await;
            let mut replies = replies.inspect_err(|_| self.count_error(parcel.last))?;
            for slot in parcel.slots {
                stored += usize::from(replies.take(slot).unwrap_or_default());
            }
        }
        Ok(stored)
    }

    /// What stores all that may be stored, in as many requests as it takes.
    fn parcels<'r>(
        &self,
        pairs: &[(&'r Request, Option<&Look>)],
        seen: &[Option<Seen>],
        loaded: &[Loaded],
        made_at: Timestamp,
    ) -> Vec<Parcel<'r>> {
        let mut parcels: Vec<Parcel<'r>> = Vec::new();
        for ((&(request, _), &seen), loaded) in pairs.iter().zip(seen).zip(loaded) {
            let Some(seen) = seen else { continue };
            let Some(ready) = self.ready(request, loaded, Some(seen), made_at) else { continue };
            let (set, more) = (ready.set(&request.key), written_bytes(loaded.len()));
            match parcels.last_mut().filter(|parcel| parcel.bytes + more <= REDIS_REQUEST_BYTES_MAX) {
                Some(parcel) => parcel.add(request, &set, more),
                None => {
                    let mut parcel = Parcel::new(request);
                    parcel.add(request, &set, more);
                    parcels.push(parcel);
                }
            }
        }
        parcels
    }
}

/// One request that stores entries.
struct Parcel<'r> {
    pipeline: Pipeline,
    slots: Vec<Slot<Set>>,
    bytes: usize,
    last: &'r Request,
}

impl<'r> Parcel<'r> {
    fn new(last: &'r Request) -> Parcel<'r> {
        Parcel { pipeline: Pipeline::new(), slots: Vec::new(), bytes: 0, last }
    }

    fn add(&mut self, request: &'r Request, set: &Set, bytes: usize) {
        self.slots.push(self.pipeline.push(set));
        self.bytes += bytes;
        self.last = request;
    }
}

/// Bytes of a command that stores an entry, at most, whose content is `len` bytes: as a JSON string it may double.
fn written_bytes(len: usize) -> usize {
    2 * len + 4096
}
