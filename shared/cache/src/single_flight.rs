//! Single flight: of all readers in this process that miss the same entry at the same time, one loads it.
//!
//! A reader may take another's result only if nothing can have been invalidated since that load began. It can tell:
//! either its own look came before the load, or the stamps that it saw are those under which the load was begun.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use super::request::{Found, Source};
use super::tags::Seen;
use redis_client::keys::Key;

/// The loads that are under way in this process. Never locked across an await.
#[derive(Default)]
pub(super) struct Flights(Mutex<BTreeMap<Key, Arc<Flight>>>);

/// One load.
struct Flight(Mutex<State>);

struct State {
    phase: Phase,
    waiting: Vec<Waker>,
}

/// How far a load is.
enum Phase {
    /// It has not begun.
    Claiming,
    /// It has begun, under these stamps; under none while Redis is away.
    Loading(Option<Seen>),
    /// It has ended, and was begun under these stamps.
    Landed(Option<Seen>, Found),
    /// It failed, or its reader is gone.
    Lost,
}

/// What a reader does that has missed an entry.
pub(super) enum Boarding<'f> {
    /// It loads, and tells the others.
    Lead(Lead<'f>),
    /// It waits for the load that is under way.
    Follow(Follow),
    /// A load is under way, but not under the stamps that were seen: one of the two is outdated.
    Other,
}

impl Flights {
    /// Joins the load of `key`, or begins one, after a look that saw `seen`. One that is under way is joined only under
    /// the very same stamps; who saw a stamp missing cannot compare.
    pub(super) fn board(&self, key: &Key, seen: Option<Seen>) -> Boarding<'_> {
        self.join(key, |theirs| seen.is_some() && seen == theirs)
    }

    /// Joins the load of `key` that is under way without Redis, or begins one.
    pub(super) fn board_alone(&self, key: &Key) -> Boarding<'_> {
        self.join(key, |theirs| theirs.is_none())
    }

    fn join(&self, key: &Key, fits: impl Fn(Option<Seen>) -> bool) -> Boarding<'_> {
        let mut flights = lock(&self.0);
        if let Some(flight) = flights.get(key) {
            let state = lock(&flight.0);
            match state.phase {
                Phase::Claiming => return Boarding::Follow(Follow(Arc::clone(flight))),
                Phase::Loading(theirs) | Phase::Landed(theirs, _) if fits(theirs) => {
                    return Boarding::Follow(Follow(Arc::clone(flight)));
                }
                Phase::Loading(_) | Phase::Landed(..) => return Boarding::Other,
                Phase::Lost => {}
            }
        }
        Boarding::Lead(self.start(&mut flights, key))
    }

    /// Begins a load of `key` whatever is under way; later readers join this one.
    pub(super) fn overtake(&self, key: &Key) -> Lead<'_> {
        let mut flights = lock(&self.0);
        self.start(&mut flights, key)
    }

    fn start(&self, flights: &mut BTreeMap<Key, Arc<Flight>>, key: &Key) -> Lead<'_> {
        let state = State { phase: Phase::Claiming, waiting: Vec::new() };
        let flight = Arc::new(Flight(Mutex::new(state)));
        flights.insert(key.clone(), Arc::clone(&flight));
        Lead { flights: self, key: key.clone(), flight }
    }
}

impl Flight {
    fn turn(&self, phase: Phase) {
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

/// The reader that loads. Dropped before it has landed, it lets the others go on without it.
pub(super) struct Lead<'f> {
    flights: &'f Flights,
    key: Key,
    flight: Arc<Flight>,
}

impl Lead<'_> {
    /// The load begins now, under the stamps `seen`.
    pub(super) fn depart(&self, seen: Option<Seen>) {
        self.flight.turn(Phase::Loading(seen));
    }

    /// The load has ended; others are told at once, and joined until this is dropped.
    pub(super) fn land(&self, seen: Option<Seen>, found: &Found) {
        let found = Found { source: Source::Shared, ..found.clone() };
        self.flight.turn(Phase::Landed(seen, found));
    }
}

impl Drop for Lead<'_> {
    fn drop(&mut self) {
        let mut flights = lock(&self.flights.0);
        if flights.get(&self.key).is_some_and(|current| Arc::ptr_eq(current, &self.flight)) {
            flights.remove(&self.key);
        }
        drop(flights);
        if !matches!(lock(&self.flight.0).phase, Phase::Landed(..)) {
            self.flight.turn(Phase::Lost);
        }
    }
}

/// Waits for another's load: its result, or nothing if that reader failed or is gone.
pub(super) struct Follow(Arc<Flight>);

impl Future for Follow {
    type Output = Option<Found>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = lock(&self.0.0);
        match &state.phase {
            Phase::Landed(_, found) => return Poll::Ready(Some(found.clone())),
            Phase::Lost => return Poll::Ready(None),
            Phase::Claiming | Phase::Loading(_) => {}
        }
        if !state.waiting.iter().any(|waker| waker.will_wake(context.waker())) {
            state.waiting.push(context.waker().clone());
        }
        Poll::Pending
    }
}

fn lock<S>(mutex: &Mutex<S>) -> MutexGuard<'_, S> {
    // Nothing here panics while it holds the lock, and a map that lost a load only costs another load.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
