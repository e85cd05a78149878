//! Single flight: of all readers in this process that miss the same entry at the same time, one loads it.
//!
//! A reader may take another's result only if nothing was invalidated between that load's start and the
//! reader's own lookup. That holds if the lookup came before the load's start, or if it saw the tag digest
//! with which the load started.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use super::request::{Found, Source};
use super::tags::TagDigest;
use redis_client::keys::Key;

/// The loads that are running in this process. Never locked across an await.
#[derive(Default)]
pub(super) struct SingleFlight(Mutex<BTreeMap<Key, Arc<SharedLoad>>>);

/// One load.
struct SharedLoad(Mutex<State>);

struct State {
    phase: Phase,
    waiting: Vec<Waker>,
}

/// The phase of a load.
enum Phase {
    /// Not started.
    Pending,
    /// Started with this tag digest; with none while Redis is down.
    Started(Option<TagDigest>),
    /// Completed; it was started with this tag digest.
    Completed(Option<TagDigest>, Found),
    /// Failed, or its reader was dropped.
    Abandoned,
}

/// The part of a reader that has missed an entry.
pub(super) enum Join<'f> {
    /// It loads, and the others wait for it.
    Leader(Leader<'f>),
    /// It waits for the load that is running.
    Follower(Follower),
    /// A load is running with another tag digest: either the load or the reader's lookup is outdated.
    Conflict,
}

impl SingleFlight {
    /// Joins the load of `key`, or leads one, after a lookup that saw `digest`. A started load is joined only
    /// with the same digest; a reader without a digest cannot compare.
    pub(super) fn join(&self, key: &Key, digest: Option<TagDigest>) -> Join<'_> {
        self.join_if(key, |theirs| digest.is_some() && digest == theirs)
    }

    /// Joins the load of `key` that runs without Redis, or leads one.
    pub(super) fn join_without_redis(&self, key: &Key) -> Join<'_> {
        self.join_if(key, |theirs| theirs.is_none())
    }

    fn join_if(&self, key: &Key, matches: impl Fn(Option<TagDigest>) -> bool) -> Join<'_> {
        let mut loads = lock(&self.0);
        if let Some(load) = loads.get(key) {
            let state = lock(&load.0);
            match state.phase {
                Phase::Pending => return Join::Follower(Follower(Arc::clone(load))),
                Phase::Started(theirs) | Phase::Completed(theirs, _) if matches(theirs) => {
                    return Join::Follower(Follower(Arc::clone(load)));
                }
                Phase::Started(_) | Phase::Completed(..) => return Join::Conflict,
                Phase::Abandoned => {}
            }
        }
        Join::Leader(self.insert(&mut loads, key))
    }

    /// Leads a load of `key` even if another is running; later readers join this one.
    pub(super) fn take_over(&self, key: &Key) -> Leader<'_> {
        let mut loads = lock(&self.0);
        self.insert(&mut loads, key)
    }

    fn insert(&self, loads: &mut BTreeMap<Key, Arc<SharedLoad>>, key: &Key) -> Leader<'_> {
        let state = State { phase: Phase::Pending, waiting: Vec::new() };
        let load = Arc::new(SharedLoad(Mutex::new(state)));
        loads.insert(key.clone(), Arc::clone(&load));
        Leader { single_flight: self, key: key.clone(), load }
    }
}

impl SharedLoad {
    fn enter(&self, phase: Phase) {
        let waiting = {
            let mut state = lock(&self.0);
            state.phase = phase;
            std::mem::take(&mut state.waiting)
        };
        for waker in waiting {
            waker.wake();
        }
    }
}

/// The reader that loads. If it is dropped before it completes, its followers continue without it.
pub(super) struct Leader<'f> {
    single_flight: &'f SingleFlight,
    key: Key,
    load: Arc<SharedLoad>,
}

impl Leader<'_> {
    /// Starts the load with the tag digest `digest`.
    pub(super) fn start(&self, digest: Option<TagDigest>) {
        self.load.enter(Phase::Started(digest));
    }

    /// Completes the load and wakes the followers. More followers can join until the leader is dropped.
    pub(super) fn complete(&self, digest: Option<TagDigest>, found: &Found) {
        let found = Found { source: Source::Shared, ..found.clone() };
        self.load.enter(Phase::Completed(digest, found));
    }
}

impl Drop for Leader<'_> {
    fn drop(&mut self) {
        let mut loads = lock(&self.single_flight.0);
        if loads.get(&self.key).is_some_and(|current| Arc::ptr_eq(current, &self.load)) {
            loads.remove(&self.key);
        }
        drop(loads);
        if !matches!(lock(&self.load.0).phase, Phase::Completed(..)) {
            self.load.enter(Phase::Abandoned);
        }
    }
}

/// Waits for another reader's load; `None` if that reader failed or was dropped.
pub(super) struct Follower(Arc<SharedLoad>);

impl Future for Follower {
    type Output = Option<Found>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = lock(&self.0.0);
        match &state.phase {
            Phase::Completed(_, found) => return Poll::Ready(Some(found.clone())),
            Phase::Abandoned => return Poll::Ready(None),
            Phase::Pending | Phase::Started(_) => {}
        }
        if !state.waiting.iter().any(|waker| waker.will_wake(context.waker())) {
            state.waiting.push(context.waker().clone());
        }
        Poll::Pending
    }
}

fn lock<S>(mutex: &Mutex<S>) -> MutexGuard<'_, S> {
    // No code here panics while it holds the lock.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
