use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Wake;

use super::*;
use crate::request::Loaded;
use crate::tags::TagVersion;
use protocol::timestamp::Timestamp;
use redis_client::keys::Keys;

fn key() -> Key {
    Keys::new("t").unwrap().stats(&"1:2".parse().unwrap())
}

fn digest(n: u8) -> Option<TagDigest> {
    TagDigest::of([(&key(), Some(&TagVersion(vec![n])))])
}

fn found() -> Found {
    Found { loaded: Loaded::some(b"v".as_slice(), 1), source: Source::Loaded, loaded_at: Timestamp(5) }
}

#[derive(Default)]
struct Wakes(AtomicUsize);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

fn follower(join: Join<'_>) -> Follower {
    match join {
        Join::Follower(follower) => follower,
        Join::Leader(_) => panic!("a leader"),
        Join::Conflict => panic!("a conflict"),
    }
}

#[test]
fn before_the_load_starts_all_readers_follow_and_then_only_those_with_its_digest() {
    let single_flight = SingleFlight::default();
    let Join::Leader(lead) = single_flight.join(&key(), digest(1)) else { panic!("no leader") };
    follower(single_flight.join(&key(), digest(2)));
    follower(single_flight.join(&key(), None));
    follower(single_flight.join_without_redis(&key()));
    lead.start(digest(1));
    follower(single_flight.join(&key(), digest(1)));
    for other in [
        single_flight.join(&key(), digest(2)),
        single_flight.join(&key(), None),
        single_flight.join_without_redis(&key()),
    ] {
        assert!(matches!(other, Join::Conflict));
    }
    lead.start(None);
    assert!(
        matches!(single_flight.join(&key(), None), Join::Conflict),
        "without digests nothing can be compared"
    );
    follower(single_flight.join_without_redis(&key()));
}

#[test]
fn a_follower_is_woken_once_and_has_the_answer() {
    let single_flight = SingleFlight::default();
    let Join::Leader(lead) = single_flight.join(&key(), None) else { panic!("no leader") };
    let mut waiting = std::pin::pin!(follower(single_flight.join(&key(), None)));
    let wakes = Arc::new(Wakes::default());
    let waker = Waker::from(Arc::clone(&wakes));
    let mut context = Context::from_waker(&waker);
    assert!(waiting.as_mut().poll(&mut context).is_pending());
    assert!(waiting.as_mut().poll(&mut context).is_pending());
    lead.complete(None, &found());
    assert_eq!(wakes.0.load(Ordering::Relaxed), 1);
    let shared = Found { source: Source::Shared, ..found() };
    assert_eq!(waiting.as_mut().poll(&mut context), Poll::Ready(Some(shared)));
    drop(lead);
    assert!(matches!(single_flight.join(&key(), None), Join::Leader(_)), "the load has ended");
}

#[test]
fn if_the_leader_is_dropped_its_followers_know_and_another_leads() {
    let single_flight = SingleFlight::default();
    let Join::Leader(lead) = single_flight.join(&key(), None) else { panic!("no leader") };
    let mut waiting = std::pin::pin!(follower(single_flight.join(&key(), None)));
    let wakes = Arc::new(Wakes::default());
    let waker = Waker::from(Arc::clone(&wakes));
    let mut context = Context::from_waker(&waker);
    assert!(waiting.as_mut().poll(&mut context).is_pending());
    drop(lead);
    assert_eq!(wakes.0.load(Ordering::Relaxed), 1);
    assert_eq!(waiting.as_mut().poll(&mut context), Poll::Ready(None));
    let Join::Leader(_lead) = single_flight.join(&key(), None) else { panic!("no leader") };
    follower(single_flight.join(&key(), None));
}

#[test]
fn a_leader_that_was_taken_over_does_not_end_the_new_load() {
    let single_flight = SingleFlight::default();
    let Join::Leader(old) = single_flight.join(&key(), digest(1)) else { panic!("no leader") };
    old.start(digest(1));
    let new = single_flight.take_over(&key());
    new.start(digest(2));
    drop(old);
    follower(single_flight.join(&key(), digest(2)));
    drop(new);
    assert!(matches!(single_flight.join(&key(), digest(2)), Join::Leader(_)));
}

#[test]
fn followers_on_many_threads_are_woken_and_have_the_answer() {
    let single_flight = SingleFlight::default();
    let Join::Leader(lead) = single_flight.join(&key(), None) else { panic!("no leader") };
    let followers: Vec<Follower> = (0..16).map(|_| follower(single_flight.join(&key(), None))).collect();
    std::thread::scope(|scope| {
        let threads: Vec<_> =
            followers.into_iter().map(|follower| scope.spawn(move || block_on(follower))).collect();
        lead.start(None);
        lead.complete(None, &found());
        assert!(threads.into_iter().all(|thread| thread.join().unwrap().is_some()));
    });
}

/// Runs a future on this thread, which sleeps until it is woken.
fn block_on<F: Future>(future: F) -> F::Output {
    struct Unpark(std::thread::Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut context = Context::from_waker(&waker);
    let mut future = std::pin::pin!(future);
    loop {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(output) => return output,
            Poll::Pending => std::thread::park(),
        }
    }
}
